// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.TransportException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How entries get into a log: they wait in a queue, are written by the runner, synced in groups,
 * and answered; or all that are not synced fail together.
 *
 * <p>Safe for use by several threads. Two locks: {@code lock} guards the queue, and is held for
 * moments; {@code writing} guards the files and what of them is not synced, and is held while a
 * disk is waited for. Where both are held, {@code writing} was taken first. A sync that runs beside
 * holds neither until it is over.
 */
final class SegmentWriter implements AutoCloseable {

  /** Bytes that are written while a sync is under way; more than that wait for its end. */
  private static final long MAX_AHEAD = 8L << 20;

  /** Syncs beside what is written, before one for which that waits. */
  private static final int MOST_BESIDE = 15;

  private final SegmentLog.Config config;
  private final SegmentFiles files;
  private final AutoCloseable claim;
  private final Runner runner;

  /** Where syncs run beside what is written; null to let writing wait for them. */
  private final @Nullable Runner syncer;

  private final long openedAt;
  private final List<Runnable> syncedActions = new CopyOnWriteArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private Deque<Request> queue = new ArrayDeque<>();
  private long queuedBytes;
  private boolean awake;

  /** What those are being told whose entries were lost; told to others who come meanwhile. */
  private @Nullable DeliveryException failing;

  private boolean closing;
  private long entries;
  private long syncs;
  private long failures;

  /** Held by whoever writes: a task of the runner, or the one who closes. Taken before the lock. */
  private final ReentrantLock writing = new ReentrantLock();

  // Guarded by the above.
  private final Deque<Request> unsynced = new ArrayDeque<>();
  private long lastSync;
  private boolean syncComes;
  private SegmentFiles.@Nullable Mark syncing;
  private int syncsBeside;
  private boolean over;

  /** An entry that was appended and not synced; its position is guarded by whoever writes. */
  private static final class Request {

    private final List<ByteBuffer> parts;
    private final int length;
    private final CompletableFuture<Long> future = new CompletableFuture<>();
    private long position;

    Request(List<ByteBuffer> parts, int length) {
      this.parts = parts;
      this.length = length;
    }
  }

  /**
   * Makes one for files that are recovered.
   *
   * @param claim let go when it is closed, after the files
   */
  SegmentWriter(
      SegmentFiles files,
      SegmentLog.Config config,
      AutoCloseable claim,
      Runner runner,
      @Nullable Runner syncer) {
    this.files = files;
    this.config = config;
    this.claim = claim;
    this.runner = runner;
    this.syncer = syncer;
    this.openedAt = files.synced();
    this.lastSync = runner.nanoTime() - config.syncInterval().toNanos();
  }

  /** As {@link SegmentLog#append}. */
  CompletionStage<Long> append(ByteBuffer... parts) {
    long length = 0;
    for (ByteBuffer part : parts) {
      length += part.remaining();
    }
    if (length > config.maxEntryBytes()) {
      return failed(
          REFUSED,
          "entry-too-large",
          "The entry has %d bytes; %d is the most.".formatted(length, config.maxEntryBytes()));
    }
    Request request = new Request(List.of(parts), (int) length);
    boolean wake;
    lock.lock();
    try {
      if (closing) {
        return failed(BROKEN, "closed", "The log has been closed.");
      }
      if (failing != null) {
        return CompletableFuture.failedStage(failing);
      }
      if (queuedBytes + length > config.maxPendingBytes()) {
        return failed(RETRY, "log-busy", "The disk is slower than what comes; try again.");
      }
      queue.add(request);
      queuedBytes += length;
      wake = !awake;
      awake = true;
    } finally {
      lock.unlock();
    }
    if (wake) {
      runner.execute(this::work);
    }
    return request.future;
  }

  /** As {@link SegmentLog#onSynced}. */
  AutoCloseable onSynced(Runnable action) {
    syncedActions.add(action);
    return () -> syncedActions.remove(action);
  }

  /** What happened so far. */
  SegmentLog.Facts facts() {
    long bytes = files.synced() - openedAt;
    lock.lock();
    try {
      return new SegmentLog.Facts(
          entries, bytes, syncs, failures, queuedBytes, files.tornBytes(), files.damagedBytes());
    } finally {
      lock.unlock();
    }
  }

  /** Writes and syncs what was appended, then lets go of files and claim. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
    } finally {
      lock.unlock();
    }
    writing.lock();
    try {
      if (!over) {
        step();
        over = true;
        files.close();
        SegmentLog.letGo(claim);
      }
    } finally {
      writing.unlock();
    }
  }

  private void work() {
    writing.lock();
    try {
      if (!over) {
        step();
      }
    } finally {
      writing.unlock();
    }
  }

  private void syncIsDue() {
    writing.lock();
    try {
      syncComes = false;
      work();
    } finally {
      writing.unlock();
    }
  }

  /** Writes what has come, and syncs when it is time. */
  private void step() {
    if (syncing != null && files.unsynced() > MAX_AHEAD && !isClosing()) {
      return; // what comes waits in the queue, which is bounded, until the sync is over
    }
    Deque<Request> batch;
    boolean last;
    lock.lock();
    try {
      batch = queue;
      queue = new ArrayDeque<>();
      queuedBytes = 0;
      awake = false;
      last = closing;
    } finally {
      lock.unlock();
    }
    try {
      while (!batch.isEmpty()) {
        Request request = batch.element();
        request.position = files.write(request.length, request.parts);
        unsynced.add(batch.remove());
      }
      if (unsynced.isEmpty()) {
        return;
      }
      long left = lastSync + config.syncInterval().toNanos() - runner.nanoTime();
      if (left <= 0 || last) {
        sync(last);
        return;
      }
      files.flush();
      if (!syncComes && syncing == null) {
        syncComes = true;
        runner.after(Duration.ofNanos(left), this::syncIsDue);
      }
    } catch (IOException e) {
      fail(batch, e);
    }
  }

  /**
   * Syncs what is written, beside what is written next where that can be. Now and then that waits,
   * so that an entry is written of which it is certain that all before it is synced.
   */
  private void sync(boolean last) throws IOException {
    Runner beside = syncer;
    if (beside == null || last || (syncing == null && syncsBeside == MOST_BESIDE)) {
      syncing = null; // one that is under way has nothing left to do
      syncsBeside = 0;
      lastSync = runner.nanoTime();
      files.sync();
      answer();
      return;
    }
    SegmentFiles.Mark mark = files.mark();
    if (mark == null) {
      answer(); // the end of a file was synced with it
    } else if (syncing == null) {
      syncing = mark;
      syncsBeside++;
      lastSync = runner.nanoTime();
      beside.execute(() -> syncBeside(mark));
    }
  }

  private void syncBeside(SegmentFiles.Mark mark) {
    IOException failure = null;
    try {
      mark.file().sync();
    } catch (IOException e) {
      failure = e;
    }
    writing.lock();
    try {
      if (over || !mark.equals(syncing)) {
        return;
      }
      syncing = null;
      if (files.isCurrent(mark)) {
        if (failure == null) {
          files.synced(mark);
          answer();
        } else {
          fail(new ArrayDeque<>(), failure);
        }
      }
      step();
    } finally {
      writing.unlock();
    }
  }

  private boolean isClosing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  /** Tells whose entries are synced. */
  private void answer() {
    long synced = files.synced();
    List<Request> done = new ArrayList<>();
    while (!unsynced.isEmpty() && unsynced.element().position < synced) {
      done.add(unsynced.remove());
    }
    if (done.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      entries += done.size();
      syncs++;
    } finally {
      lock.unlock();
    }
    done.forEach(request -> request.future.complete(request.position));
    syncedActions.forEach(Runnable::run);
  }

  /**
   * Nothing that is not synced may stay: neither on disk, where the next entry takes its place, nor
   * in the memory of those who wait. They are told before anything new is taken, so that order
   * holds.
   */
  private void fail(Deque<Request> batch, IOException reason) {
    answer(); // a file before the one that failed may have been synced
    List<Request> lost = new ArrayList<>(unsynced);
    lost.addAll(batch);
    unsynced.clear();
    boolean full = String.valueOf(reason.getMessage()).contains("No space left");
    DeliveryException failure =
        new DeliveryException(
            RETRY,
            full ? "disk-full" : "disk-failed",
            full
                ? "The disk is full: make room; what was not stored will come again."
                : "The disk failed: " + reason.getMessage(),
            reason);
    lock.lock();
    try {
      failing = failure;
      lost.addAll(queue);
      queue.clear();
      queuedBytes = 0;
      failures += lost.size();
    } finally {
      lock.unlock();
    }
    files.fallBack();
    lost.forEach(request -> request.future.completeExceptionally(failure));
    lock.lock();
    try {
      failing = null;
    } finally {
      lock.unlock();
    }
  }

  private static CompletionStage<Long> failed(Category category, String code, String sentence) {
    return CompletableFuture.failedStage(new DeliveryException(category, code, sentence));
  }
}
