// SPDX-License-Identifier: Apache-2.0
/** The client side of the NATS transport. */
@NullMarked
package dev.fairlead.transport.nats;

import org.jspecify.annotations.NullMarked;
