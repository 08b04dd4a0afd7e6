// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.base.broker;

import org.jspecify.annotations.NullMarked;
