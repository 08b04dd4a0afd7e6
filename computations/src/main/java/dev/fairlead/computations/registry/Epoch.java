// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.time.Instant;

/**
 * A numbering that an agent began.
 *
 * @param name as the agent chose it
 * @param run in which it was first heard of
 * @param firstSeen when, by this host's clock
 */
public record Epoch(String name, int run, Instant firstSeen) {}
