// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/**
 * How far a stream has come, as numbers of records: all up to each of them has reached that level,
 * or was dropped. 0 where there is none.
 *
 * @param queued the last number that was given
 * @param spooled lies in a synced file; 0 without a spool
 * @param stored acknowledged by the transport's peer
 * @param delivered stored and synced by the sink
 */
public record Positions(long queued, long spooled, long stored, long delivered) {}
