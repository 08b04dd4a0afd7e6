// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.time.Instant;

/**
 * A computation and its newest run. Immutable: a picture of the registry at one moment.
 *
 * @param id one segment of an address, unique for ever
 * @param wantedId the id that its manifest asked for
 * @param created when the id was first given
 * @param run the newest run
 */
public record Computation(String id, String wantedId, Instant created, Run run) {}
