// SPDX-License-Identifier: Apache-2.0
/**
 * Carries what the VMs of this host say on to another transport, and what is said to them back.
 * Knows delivery's numbers as little as it knows the transports: it passes messages on as they are.
 */
@NullMarked
package dev.fairlead.manager.relay;

import org.jspecify.annotations.NullMarked;
