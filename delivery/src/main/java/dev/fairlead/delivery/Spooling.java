// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Brings a stream's batches to its spool and back: writes them in groups, forgets their bytes when
 * there are many and reads them again before they are sent, tries again when the disk fails, and
 * lets files go that are no longer wanted. Guarded by the stream's lock, which its own tasks take.
 */
final class Spooling {

  private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  /** What the stream does for its spool; all but the last with the lock held. */
  interface Stream {

    /** Ends the batch that is being filled, which comes back by {@link #sealed}. */
    void seal();

    /** All up to here was delivered or dropped. */
    long forgotten();

    /** How many of these were delivered. */
    long delivered();

    /** Records that wait were found damaged, and became a gap. */
    void damaged(long records, String reason);

    /** There may be room for those who wait for it. */
    void roomMade();

    /** The spool cannot be written now; null: not any more. */
    void trouble(@Nullable DeliveryException reason);

    /** Something has changed; called without the lock. */
    void changed();
  }

  private final Spool spool;
  private final Rows rows;
  private final Stream stream;
  private final ReentrantLock lock;
  private final Runner runner;
  private final long mostBytes;
  private final long fullAt;
  private final long memory;
  private final int batchBytes;

  private final Deque<Chunk> toWrite = new ArrayDeque<>();
  private int writing;
  private boolean pausing;
  private Duration pause = FIRST_PAUSE;
  private boolean failing;

  private boolean loading;
  private @Nullable Chunk lastEvicted;
  private boolean freeing;
  private boolean closed;
  private long spooledUpTo;

  /** All up to here lies before whatever is written next. */
  private long givenUpTo;

  private long size;

  Spooling(
      Spool spool,
      SpoolConfig config,
      StreamConfig stream,
      Rows rows,
      ReentrantLock lock,
      Runner runner,
      Stream owner) {
    this.spool = spool;
    this.rows = rows;
    this.stream = owner;
    this.lock = lock;
    this.runner = runner;
    this.mostBytes = config.maxBytes() - config.segmentBytes(); // gaps and marks need some, too
    this.fullAt = config.fullAt();
    this.memory = stream.windowBytes() / 2;
    this.batchBytes = stream.batchBytes();
    this.spooledUpTo = spool.found().next() - 1;
    this.givenUpTo = spooledUpTo;
    this.size = spool.size();
  }

  /** All up to here lies in a synced file, or was dropped. */
  long spooledUpTo() {
    return spooledUpTo;
  }

  /** Bytes of the files, as of the last change. */
  long size() {
    return size;
  }

  /** Whether there is space for so many bytes more, of which the others leave so much alone. */
  boolean hasSpace(long bytes, long spare) {
    return rows.space() + bytes + Spool.OVERHEAD <= fullAt - spare;
  }

  /** Whether the files may grow so much: they do not shrink at once. */
  boolean mayGrow(long bytes) {
    return size + rows.spaceToWrite() + bytes + Spool.OVERHEAD <= mostBytes;
  }

  // Writing.

  /** A batch was sealed, or a gap begun. */
  void sealed(Chunk chunk) {
    toWrite.add(chunk);
  }

  /**
   * A gap that waits, and is not just being written, has grown. It goes before what follows it:
   * else a crash could leave a number between that nobody knows anything of.
   */
  void grown(Chunk gap) {
    if (gap.disk == Chunk.Disk.KEPT) {
      rows.change(gap, () -> gap.disk = Chunk.Disk.NEW);
      toWrite.addFirst(gap);
    }
  }

  /** Has what is new written, and when nothing is under way also what is being filled. */
  void write() {
    if (pausing || closed) {
      return;
    }
    if (writing == 0) {
      stream.seal();
    }
    for (int left = toWrite.size(); left > 0 && !pausing; left--) {
      Chunk chunk = toWrite.remove();
      if (mayStillGrow(chunk)) {
        toWrite.add(chunk);
      } else if (!chunk.gone && chunk.disk == Chunk.Disk.NEW) {
        write(chunk);
      }
    }
  }

  /**
   * The last gap grows with each record that is dropped. It is written when something follows it,
   * or it is its turn; before, so that a crash leaves a trace of it, at first and when it has
   * doubled.
   */
  private boolean mayStillGrow(Chunk chunk) {
    if (!chunk.isGap() || chunk != rows.ready.peekLast() || chunk == rows.ready.peek()) {
      return false;
    }
    Iterator<Chunk> back = rows.ready.descendingIterator();
    back.next();
    return chunk.count() < 2 * chunk.keptCount || back.next().isGap();
  }

  private void write(Chunk chunk) {
    chunk.disk = Chunk.Disk.WRITING;
    writing++;
    givenUpTo = Math.max(givenUpTo, chunk.last());
    spool
        .write(chunk, stand())
        .whenComplete(
            (place, failure) -> {
              lock.lock();
              try {
                writing--;
                if (failure == null) {
                  written(chunk, place[0], place[1]);
                } else {
                  notWritten(chunk, failure);
                }
                if (writing == 0) {
                  write();
                }
              } finally {
                lock.unlock();
              }
              stream.changed();
            });
  }

  private void written(Chunk chunk, long from, long to) {
    if (failing) {
      failing = false;
      pause = FIRST_PAUSE;
      stream.trouble(null);
    }
    size = spool.size();
    rows.change(chunk, () -> chunk.lies(from, to));
    spooledUpTo = Math.max(spooledUpTo, chunk.last());
    if (chunk.isGap()) {
      freeDropped(chunk);
    } else if (rows.evicted() > 0 || rows.memoryKept() > memory) {
      evict(chunk);
    }
  }

  private void notWritten(Chunk chunk, Throwable failure) {
    chunk.disk = Chunk.Disk.NEW;
    givenUpTo = spooledUpTo; // all that was given later fails, too
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof DeliveryException known && known.category() == BROKEN) {
      return; // the end has come
    }
    failing = true;
    stream.trouble(
        cause instanceof DeliveryException known
            ? known
            : new DeliveryException(RETRY, "disk-failed", "The spool failed: " + cause, cause));
    if (!pausing) {
      pausing = true;
      runner.after(pause, this::writeAgain);
      Duration longer = pause.multipliedBy(2);
      pause = longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
    }
  }

  private void writeAgain() {
    lock.lock();
    try {
      pausing = false;
      toWrite.clear();
      for (Chunk chunk : rows.ready) {
        if (chunk.disk == Chunk.Disk.NEW) {
          toWrite.add(chunk);
        }
      }
      write();
    } finally {
      lock.unlock();
    }
  }

  // Forgetting bytes, and reading them again.

  private void evict(Chunk chunk) {
    rows.change(chunk, chunk::evict);
    stream.roomMade();
    Chunk before = lastEvicted;
    if (before != null && Spool.mergeable(before, chunk, batchBytes)) {
      rows.merge(before, chunk);
    } else {
      lastEvicted = chunk;
    }
  }

  /** Whether the first that waits can be sent now; else sees to it that it soon can. */
  boolean isReady(Chunk head) {
    if (head.disk != Chunk.Disk.KEPT) {
      write();
      return false;
    }
    loadAhead();
    return head.inMemory();
  }

  private void loadAhead() {
    if (loading || rows.evicted() == 0 || rows.memoryKept() > memory / 2) {
      return;
    }
    List<Chunk> wanted = new ArrayList<>();
    long room = memory - rows.memoryKept();
    for (Chunk chunk : rows.ready) {
      if (chunk.inMemory()) {
        continue;
      }
      room -= chunk.weight();
      if (room < 0 && !wanted.isEmpty()) {
        break;
      }
      chunk.loading = true;
      wanted.add(chunk);
    }
    loading = true;
    spool.load(wanted, this::loaded, () -> runner.after(FIRST_PAUSE, () -> loadingOver(wanted)));
    runner.execute(() -> loadedAll(wanted));
  }

  private void loaded(Chunk chunk, byte @Nullable [] bytes) {
    lock.lock();
    try {
      if (!chunk.gone && !chunk.isGap()) {
        if (bytes != null) {
          rows.change(chunk, () -> chunk.load(bytes));
        } else {
          long lost = chunk.records();
          rows.change(chunk, () -> chunk.drop(Spool.DAMAGED));
          stream.damaged(lost, Spool.DAMAGED);
          toWrite.add(chunk);
        }
      }
      chunk.loading = false;
    } finally {
      lock.unlock();
    }
  }

  /** Runs behind the task that loads: all are in memory, or the disk has failed. */
  private void loadedAll(List<Chunk> wanted) {
    boolean all = true;
    lock.lock();
    try {
      for (Chunk chunk : wanted) {
        all &= !chunk.loading;
      }
      if (all) {
        loading = false;
        write();
      }
    } finally {
      lock.unlock();
    }
    if (all) {
      stream.changed();
    }
  }

  /** The disk has failed, a while ago: the pump may ask again. */
  private void loadingOver(List<Chunk> wanted) {
    lock.lock();
    try {
      wanted.forEach(chunk -> chunk.loading = false);
      loading = false;
    } finally {
      lock.unlock();
    }
    stream.changed();
  }

  // Letting go of files.

  /** A gap is in the spool: the records that it has dropped are no longer wanted there. */
  private void freeDropped(Chunk gap) {
    if (gap.freeTo == 0) {
      return;
    }
    long to = gap.freeTo;
    for (Iterable<Chunk> row : List.of(rows.inFlight, rows.ready)) {
      for (Chunk chunk : row) {
        if (chunk.isGap() && chunk.from >= gap.freeFrom) {
          to = Math.min(to, chunk.from); // another gap's own entry
        }
      }
    }
    long from = gap.freeFrom;
    long end = to;
    gap.freeFrom = Long.MAX_VALUE;
    gap.freeTo = 0;
    runner.execute(() -> delete(() -> spool.delete(from, end)));
  }

  /** Records were delivered, or dropped: perhaps a file can go. */
  void forgotten() {
    if (freeing || closed) {
      return;
    }
    // As of now: whatever is written from here on lies behind the last entry.
    long oldest = Math.min(oldest(), spool.lastEntry());
    if (!spool.canFree(oldest)) {
      return;
    }
    freeing = true;
    // First say so, if that is possible; a full disk must not keep files that nobody wants.
    mark().whenComplete((place, failure) -> runner.execute(() -> free(oldest, failure != null)));
  }

  private void free(long oldest, boolean unsaid) {
    lock.lock();
    try {
      freeing = false;
    } finally {
      lock.unlock();
    }
    delete(() -> spool.delete(0, oldest));
    if (unsaid) {
      lock.lock();
      try {
        mark(); // now there may be room
      } finally {
        lock.unlock();
      }
    }
  }

  private CompletionStage<long[]> mark() {
    return spool.mark(stand());
  }

  private Spool.Stand stand() {
    return new Spool.Stand(stream.forgotten(), stream.delivered(), givenUpTo + 1);
  }

  private void delete(Runnable what) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
    } finally {
      lock.unlock();
    }
    what.run();
    lock.lock();
    try {
      size = spool.size();
      stream.roomMade();
    } finally {
      lock.unlock();
    }
  }

  /** Where the oldest entry lies that is still wanted. */
  private long oldest() {
    long oldest = Long.MAX_VALUE;
    for (Iterable<Chunk> row : List.of(rows.inFlight, rows.ready)) {
      Iterator<Chunk> each = row.iterator();
      while (each.hasNext()) {
        Chunk chunk = each.next();
        oldest = Math.min(oldest, Math.min(chunk.from, chunk.freeFrom));
        if (!chunk.isGap()) {
          return oldest; // all behind it lie behind it
        }
      }
    }
    return oldest;
  }

  // The end.

  /** Has all written that is there, and how far it is; then, without the lock, {@link #close}. */
  void finish() {
    if (!pausing) {
      stream.seal();
      while (!toWrite.isEmpty()) {
        Chunk chunk = toWrite.remove();
        if (!chunk.gone && chunk.disk == Chunk.Disk.NEW) {
          write(chunk);
        }
      }
      mark();
    }
    closed = true;
  }

  void close() {
    spool.close();
  }
}
