// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.base.Refusal;
import dev.fairlead.transport.vsock.wire.FrameWriter;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import dev.fairlead.transport.vsock.wire.WireException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one connection has yet to write, and what the hub has yet to acknowledge. Bounded; what does
 * not fit fails at once. Ends with its connection, and all that is in it fails then.
 */
final class Outgoing {

  static final int MAX_MESSAGES = 4096;
  static final long MAX_BYTES = 8L << 20;

  /** The most bytes of messages that the writer takes at a time. */
  private static final long BATCH = 512 << 10;

  /** One thing to write, in the order in which it was asked for. */
  sealed interface Item {
    /** Writes it as a frame. */
    void write(FrameWriter out) throws IOException;
  }

  /** A message, whose number in the connection is its place among all. */
  static final class Send implements Item {
    final Message message;
    final int size;
    final CompletableFuture<Void> stage = new CompletableFuture<>();

    Send(Message message) {
      this.message = message;
      this.size = Messages.size(message);
    }

    @Override
    public void write(FrameWriter out) throws IOException {
      out.begin(Wire.SEND, size);
      Messages.put(message, out);
      out.end();
    }
  }

  /** A subscription to be made. */
  record Subscribe(int number, String pattern) implements Item {
    @Override
    public void write(FrameWriter out) throws IOException {
      out.begin(Wire.SUBSCRIBE, 4 + pattern.length()).put4(number).text(pattern).end();
    }
  }

  /** A subscription to be ended. */
  record Unsubscribe(int number) implements Item {
    @Override
    public void write(FrameWriter out) throws IOException {
      out.begin(Wire.UNSUBSCRIBE, 4).put4(number).end();
    }
  }

  /** What the hub is to say when this end is gone. */
  record Will(Message message) implements Item {
    @Override
    public void write(FrameWriter out) throws IOException {
      out.begin(Wire.WILL, Messages.size(message));
      Messages.put(message, out);
      out.end();
    }
  }

  /** What the writer is to write now; the ping last. */
  static final class Batch {
    final List<Item> items = new ArrayList<>();
    long credit;
    boolean ping;

    boolean isEmpty() {
      return items.isEmpty() && credit == 0 && !ping;
    }

    void write(FrameWriter out) throws IOException {
      if (credit > 0) {
        out.begin(Wire.CREDIT, 4).put4((int) credit).end();
      }
      for (Item item : items) {
        item.write(out);
      }
      if (ping) {
        out.empty(Wire.PING);
      }
      out.flush();
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition writable = lock.newCondition();
  private final Condition settled = lock.newCondition();
  private final ArrayDeque<Item> queue = new ArrayDeque<>();
  private final ArrayDeque<Send> unacknowledged = new ArrayDeque<>();
  private final long window;
  private long acknowledged;
  private long unacknowledgedBytes;
  private long bytes;
  private int messages;
  private long credit;
  private boolean ping;
  private long pings;
  private long pongs;

  /** The number of the PING that went out after the last subscription. */
  private long standing;

  private @Nullable TransportException ended;

  /**
   * Makes one.
   *
   * @param window how many bytes the hub takes beyond what it has acknowledged
   */
  Outgoing(long window) {
    this.window = window;
  }

  CompletionStage<Void> send(Message message) {
    Send send = new Send(message);
    lock.lock();
    try {
      if (ended != null) {
        return CompletableFuture.failedStage(ended);
      }
      boolean full = messages >= MAX_MESSAGES || (bytes > 0 && bytes + send.size > MAX_BYTES);
      if (full) {
        return CompletableFuture.failedStage(KeptTransport.busy(null));
      }
      messages++;
      bytes += send.size;
      add(send);
    } finally {
      lock.unlock();
    }
    return send.stage.minimalCompletionStage();
  }

  /** Has a subscription made or ended, before all that is sent later. */
  void put(Item item) {
    lock.lock();
    try {
      if (ended == null) {
        add(item);
      }
    } finally {
      lock.unlock();
    }
  }

  private void add(Item item) {
    queue.add(item);
    writable.signal();
  }

  /** Lets the hub send so many bytes more. */
  void credit(long more) {
    lock.lock();
    try {
      credit += more;
      writable.signal();
    } finally {
      lock.unlock();
    }
  }

  void ping() {
    lock.lock();
    try {
      ping = true;
      writable.signal();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for something to write.
   *
   * @param batch emptied and filled
   * @return null when this has ended
   */
  @Nullable Batch take(Batch batch) {
    batch.items.clear();
    lock.lock();
    try {
      while (ended == null) {
        batch.credit = credit;
        batch.ping = ping;
        credit = 0;
        ping = false;
        long taken = 0;
        while (!queue.isEmpty() && taken < BATCH) {
          if (queue.peek() instanceof Send send) {
            if (unacknowledgedBytes + send.size > window) {
              break;
            }
            unacknowledged.add(send);
            unacknowledgedBytes += send.size;
            taken += send.size;
          } else if (queue.peek() instanceof Subscribe) {
            batch.ping = true; // its answer says that the subscription stands
            standing = pings + 1;
          }
          batch.items.add(queue.remove());
          if (queue.isEmpty()) {
            settled.signalAll(); // whoever waits may have waited for this alone
          }
        }
        if (!batch.isEmpty()) {
          pings += batch.ping ? 1 : 0;
          return batch;
        }
        writable.awaitUninterruptibly();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Takes the hub's word that it has dealt with so many messages in all. */
  void acknowledged(long count) throws WireException {
    List<Send> done = new ArrayList<>();
    lock.lock();
    try {
      if (count < acknowledged || count > acknowledged + unacknowledged.size()) {
        throw new WireException("bad-ack", "The hub acknowledges what was not sent.");
      }
      for (; acknowledged < count; acknowledged++) {
        Send send = unacknowledged.remove();
        unacknowledgedBytes -= send.size;
        forget(send);
        done.add(send);
      }
      writable.signal();
      settled.signalAll();
    } finally {
      lock.unlock();
    }
    done.forEach(send -> send.stage.complete(null));
  }

  /** Takes the hub's answer to a PING. They come in the order of the questions. */
  void pong() throws WireException {
    lock.lock();
    try {
      if (++pongs > pings) {
        throw new WireException("bad-pong", "The hub answers what was not asked.");
      }
      settled.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Fails a message that the hub does not permit; it stays until it is acknowledged.
   *
   * @return what is to be told of it
   */
  Refusal denied(long number) throws WireException {
    Send denied = null;
    lock.lock();
    try {
      long at = acknowledged;
      for (Send send : unacknowledged) {
        if (++at == number) {
          denied = send;
          break;
        }
      }
    } finally {
      lock.unlock();
    }
    if (denied == null) {
      throw new WireException("bad-ack", "The hub refuses what was not sent.");
    }
    Refusal refusal =
        Refusal.ofAddress(
            "send-not-permitted",
            "The hub does not permit this end to send to '%s'.",
            denied.message.address());
    denied.stage.completeExceptionally(refusal.cause());
    return refusal;
  }

  private void forget(Send send) {
    messages--;
    bytes -= send.size;
  }

  /** How many messages wait or are not acknowledged. */
  long messages() {
    lock.lock();
    try {
      return messages;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until all messages are acknowledged and all subscriptions stand, this has ended, or the
   * time is over; false then.
   */
  boolean flush(long nanos) throws InterruptedException {
    long left = nanos;
    lock.lock();
    try {
      while (!isSettled() && ended == null && left > 0) {
        left = settled.awaitNanos(left);
      }
      return isSettled() || ended != null;
    } finally {
      lock.unlock();
    }
  }

  private boolean isSettled() {
    return queue.isEmpty() && messages == 0 && pongs >= standing;
  }

  /** Fails all that is here, and whatever comes. Only the first call counts. */
  void end(TransportException why) {
    List<Send> lost = new ArrayList<>();
    lock.lock();
    try {
      if (ended != null) {
        return;
      }
      ended = why;
      lost.addAll(unacknowledged);
      queue.forEach(
          item -> {
            if (item instanceof Send send) {
              lost.add(send);
            }
          });
      unacknowledged.clear();
      queue.clear();
      writable.signalAll();
      settled.signalAll();
    } finally {
      lock.unlock();
    }
    lost.forEach(send -> send.stage.completeExceptionally(why));
  }
}
