// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/**
 * What an inbox has seen since it was made, over all streams.
 *
 * @param stored records that were stored and synced
 * @param gaps records that will never come
 * @param duplicates records that had been seen before, and were dropped
 * @param heldBytes bytes that wait now for what goes before them
 * @param outOfOrder batches that came before their turn
 * @param beyondWindow batches that came too far before their turn, and must come again
 * @param refused messages that were no batch, or of a stream that is not taken
 * @param storeFailures batches that the store did not take
 */
public record InboxBooks(
    long stored,
    long gaps,
    long duplicates,
    long heldBytes,
    long outOfOrder,
    long beyondWindow,
    long refused,
    long storeFailures) {}
