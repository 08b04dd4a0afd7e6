// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.nats;

import org.jspecify.annotations.NullMarked;
