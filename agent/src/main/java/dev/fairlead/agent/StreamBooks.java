// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

/**
 * The books of one stream of the agent; {@code appended = delivered + queued + dropped}.
 *
 * @param appended records said, ever
 * @param delivered those that the registry has stored
 * @param queued those still held
 * @param dropped those given up
 */
public record StreamBooks(long appended, long delivered, long queued, long dropped) {}
