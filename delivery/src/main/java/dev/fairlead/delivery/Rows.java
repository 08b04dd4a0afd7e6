// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The batches of a stream, in the order of their numbers: in front those that were sent and are not
 * acknowledged, behind them those that wait. Keeps count of what they take. Guarded by the stream's
 * lock.
 */
final class Rows {

  final Deque<Chunk> inFlight = new ArrayDeque<>();
  final Deque<Chunk> ready = new ArrayDeque<>();

  private long records;
  private long memory;
  private long memoryInFlight;
  private long memoryKept;
  private long space;
  private long spaceToWrite;
  private int evicted;
  private int gaps;

  /** Records that are held. */
  long records() {
    return records;
  }

  /** Bytes of records in memory. */
  long memory() {
    return memory;
  }

  /** Bytes of those that were sent. */
  long memoryInFlight() {
    return memoryInFlight;
  }

  /** Bytes in memory of those that wait to be sent and lie in the spool, too. */
  long memoryKept() {
    return memoryKept;
  }

  /** Bytes that all take, or will take, in a spool. */
  long space() {
    return space;
  }

  /** Bytes of those that are still to be written there. */
  long spaceToWrite() {
    return spaceToWrite;
  }

  /** How many that wait are not in memory. */
  int evicted() {
    return evicted;
  }

  /** Whether a number that is held belongs to a gap. */
  boolean isDropped(long number) {
    if (gaps > 0) {
      for (Iterable<Chunk> row : List.of(inFlight, ready)) {
        for (Chunk chunk : row) {
          if (chunk.isGap() && chunk.first <= number && number <= chunk.last()) {
            return true;
          }
        }
      }
    }
    return false;
  }

  void add(Chunk chunk) {
    ready.addLast(chunk);
    account(chunk, 1);
  }

  /** The first that waits is sent. */
  Chunk send() {
    Chunk chunk = ready.remove();
    account(chunk, -1);
    inFlight.addLast(chunk);
    accountInFlight(chunk, 1);
    return chunk;
  }

  /** Takes out the first of all, if it lies whole below a number and may be acknowledged. */
  @Nullable Chunk forget(long number) {
    Chunk head = inFlight.peek();
    if (head != null) {
      if (head.last() > number) {
        return null;
      }
      inFlight.remove();
      accountInFlight(head, -1);
      return head;
    }
    // Sent before this process began, and acknowledged since.
    head = ready.peek();
    if (head == null || head.last() > number || head.disk != Chunk.Disk.KEPT) {
      return null;
    }
    ready.remove();
    account(head, -1);
    head.gone = true;
    return head;
  }

  /** Changes one that waits. */
  void change(Chunk chunk, Runnable how) {
    account(chunk, -1);
    how.run();
    account(chunk, 1);
  }

  /** Takes in the one behind it, which waits as well; both lie in the spool alone. */
  void merge(Chunk chunk, Chunk next) {
    ready.removeLastOccurrence(next);
    account(next, -1);
    change(chunk, () -> chunk.merge(next));
  }

  /**
   * Turns the first that waits and fits into a gap, or adds it to the gap before it.
   *
   * @return the gap; null where none fits
   */
  @Nullable Gap drop(Predicate<Chunk> fits, String reason) {
    Chunk before = null;
    Iterator<Chunk> each = ready.iterator();
    while (each.hasNext()) {
      Chunk chunk = each.next();
      if (!chunk.isGap() && fits.test(chunk)) {
        long lost = chunk.records();
        long first = chunk.first;
        long last = chunk.last();
        long from = chunk.disk == Chunk.Disk.KEPT ? chunk.from : Long.MAX_VALUE;
        long to = chunk.disk == Chunk.Disk.KEPT ? chunk.to : 0;
        boolean joins = before != null && before.isGap() && before.disk != Chunk.Disk.WRITING;
        Chunk gap = joins ? requireNonNull(before) : chunk;
        if (gap == chunk) {
          change(chunk, () -> chunk.drop(reason));
        } else {
          each.remove();
          account(chunk, -1);
          chunk.gone = true;
          gap.grow(last - first + 1);
        }
        gap.makesFree(from, to);
        return new Gap(gap, lost, first, last);
      }
      before = chunk;
    }
    return null;
  }

  /** What became of a dropped batch. */
  record Gap(Chunk chunk, long lost, long first, long last) {}

  private void accountInFlight(Chunk chunk, int sign) {
    memoryInFlight += sign * chunk.memory();
    accountAnywhere(chunk, sign);
  }

  private void accountAnywhere(Chunk chunk, int sign) {
    records += sign * chunk.records();
    memory += sign * chunk.memory();
    space += sign * chunk.space();
    gaps += chunk.isGap() ? sign : 0;
  }

  private void account(Chunk chunk, int sign) {
    accountAnywhere(chunk, sign);
    if (chunk.disk == Chunk.Disk.KEPT) {
      memoryKept += sign * chunk.memory();
    } else {
      spaceToWrite += sign * chunk.space();
    }
    if (!chunk.inMemory()) {
      evicted += sign;
    }
  }
}
