// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.relay;

import dev.fairlead.delivery.Link;
import dev.fairlead.transport.api.Message;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One direction: takes messages, and hands them to a link, those of one party in their order, and
 * the parties in turn, so that a loud one does not delay the others. Nothing is kept for long and
 * nothing is repeated: where the link is slower than a party, or away, that party's messages are
 * dropped and counted, and delivery's own resending makes up for it.
 *
 * <p>Safe for use by several threads; nothing blocks.
 */
public final class Lane {

  /** Bytes of one party that may wait. */
  static final long MOST_OF_ONE = 2L << 20;

  /** Bytes of all parties that may wait. */
  static final long MOST = 64L << 20;

  /** Bytes that the link may have taken and not yet confirmed. */
  static final long MOST_UNDER_WAY = 4L << 20;

  /** What a message takes beside its payload: about its headers and address. */
  private static final long OVERHEAD = 512;

  private final Link out;

  // From here on: guarded by this.
  private final Map<String, Queue> queues = new HashMap<>();
  private final Deque<Queue> turns = new ArrayDeque<>();
  private boolean handing;
  private long waiting;
  private long underWay;
  private long taken;
  private long handed;
  private long dropped;
  private long failed;

  /**
   * What became of the messages so far: {@code taken = handed + dropped + failed + pending}.
   *
   * @param taken that were offered
   * @param handed that the link confirmed
   * @param dropped that found no room
   * @param failed that the link did not take, for example because it is not connected
   * @param pending that wait or are under way
   */
  public record Books(long taken, long handed, long dropped, long failed, long pending) {}

  private static final class Queue {

    private final String party;
    private final Deque<Message> messages = new ArrayDeque<>();
    private long bytes;

    Queue(String party) {
      this.party = party;
    }
  }

  /**
   * Makes one.
   *
   * @param out where the messages go
   */
  public Lane(Link out) {
    this.out = out;
  }

  /**
   * Takes a message.
   *
   * @param party whose share of the lane it takes
   */
  public void offer(String party, Message message) {
    synchronized (this) {
      taken++;
      long size = size(message);
      Queue queue = queues.computeIfAbsent(party, Queue::new);
      if (queue.bytes + size > MOST_OF_ONE || waiting + size > MOST) {
        dropped++;
        forgetIfEmpty(queue);
        return;
      }
      if (queue.messages.isEmpty()) {
        turns.add(queue);
      }
      queue.messages.add(message);
      queue.bytes += size;
      waiting += size;
    }
    hand();
  }

  /** Drops what waits of a party. */
  public synchronized void forget(String party) {
    Queue queue = queues.remove(party);
    if (queue != null) {
      turns.remove(queue);
      dropped += queue.messages.size();
      waiting -= queue.bytes;
    }
  }

  /** What became of the messages so far. */
  public synchronized Books books() {
    return new Books(taken, handed, dropped, failed, taken - handed - dropped - failed);
  }

  /**
   * One thread at a time hands over, so that a party's order stays; others leave it to that one.
   */
  private void hand() {
    synchronized (this) {
      if (handing) {
        return;
      }
      handing = true;
    }
    while (true) {
      Message next = next();
      if (next == null) {
        return;
      }
      long size = size(next);
      out.send(next).whenComplete((done, failure) -> settled(size, failure == null));
    }
  }

  /** The next that may go; null where there is none, and then nobody hands over any more. */
  private synchronized @Nullable Message next() {
    Queue queue = underWay < MOST_UNDER_WAY ? turns.poll() : null;
    Message message = queue == null ? null : queue.messages.poll();
    if (queue == null || message == null) {
      handing = false;
      return null;
    }
    long size = size(message);
    queue.bytes -= size;
    waiting -= size;
    underWay += size;
    if (queue.messages.isEmpty()) {
      forgetIfEmpty(queue);
    } else {
      turns.add(queue);
    }
    return message;
  }

  private void settled(long size, boolean good) {
    synchronized (this) {
      underWay -= size;
      if (good) {
        handed++;
      } else {
        failed++;
      }
    }
    hand();
  }

  private void forgetIfEmpty(Queue queue) {
    if (queue.messages.isEmpty()) {
      queues.remove(queue.party);
    }
  }

  private static long size(Message message) {
    return OVERHEAD + message.payload().remaining();
  }
}
