// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.util.concurrent.CompletionStage;

/**
 * Where an inbox puts what has come. Safe for use by several threads; no method blocks for long.
 */
public interface BatchStore {

  /**
   * Stores a batch. The batches of one stream come in order and without a hole: each begins where
   * the one before it ended, or, after a failure, behind {@link #storedUpTo}.
   *
   * @return completes when it is synced; fails with a {@link DeliveryException}: {@code RETRY} when
   *     there is no room now. Once one has failed, the store fails all later ones of the same
   *     stream that were appended before that was known
   */
  CompletionStage<Void> append(Batch batch);

  /**
   * The number up to which a stream is stored and synced without a hole, gaps included; 0 where
   * there is nothing of it. Derived from what is on disk, never from a count beside it.
   */
  long storedUpTo(StreamId stream);
}
