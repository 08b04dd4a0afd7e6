// SPDX-License-Identifier: Apache-2.0
/** The access side of the NATS transport: the broker, and who may do what on it. */
@NullMarked
package dev.fairlead.transport.nats.access;

import org.jspecify.annotations.NullMarked;
