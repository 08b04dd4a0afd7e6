// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A store that syncs a little later, may be full, and forgets in a power cut what was not synced.
 */
final class SimStore implements BatchStore {

  private record Waiting(Batch batch, CompletableFuture<Void> future) {}

  private final SimTime time;
  private final Random random;
  private final Map<StreamId, List<Batch>> synced = new HashMap<>();
  private List<Waiting> unsynced = new ArrayList<>();
  private boolean syncing;
  boolean full;
  long syncDelay = 2_000_000;

  SimStore(SimTime time, Random random) {
    this.time = time;
    this.random = random;
  }

  @Override
  public CompletionStage<Void> append(Batch batch) {
    CompletableFuture<Void> future = new CompletableFuture<>();
    unsynced.add(new Waiting(batch, future));
    if (!syncing) {
      syncing = true;
      long delay = 1 + (long) (random.nextDouble() * syncDelay);
      time.at(time.nanoTime() + delay, this::sync);
    }
    return future;
  }

  private void sync() {
    syncing = false;
    List<Waiting> group = unsynced;
    unsynced = new ArrayList<>();
    if (full) {
      DeliveryException failure = new DeliveryException(RETRY, "disk-full", "The disk is full.");
      group.forEach(one -> one.future.completeExceptionally(failure));
      return;
    }
    for (Waiting one : group) {
      Batch batch = one.batch;
      if (batch.first() != storedUpTo(batch.stream()) + 1) {
        throw new AssertionError("A hole before " + batch);
      }
      synced.computeIfAbsent(batch.stream(), any -> new ArrayList<>()).add(batch);
    }
    group.forEach(one -> one.future.complete(null));
  }

  /** The power is gone: nobody hears of what was not synced. */
  void powerCut() {
    unsynced = new ArrayList<>();
  }

  @Override
  public long storedUpTo(StreamId stream) {
    List<Batch> batches = synced.get(stream);
    return batches == null ? 0 : batches.get(batches.size() - 1).last();
  }

  List<Batch> batches(StreamId stream) {
    return synced.getOrDefault(stream, List.of());
  }
}
