// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.mqtt;

import org.jspecify.annotations.NullMarked;
