// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one receiver has yet to be sent. Each sender has a lane of its own, over all its
 * connections, also those that have ended; and the lanes take turns by bytes, so that who says much
 * does not hold up who says little. Short frames (acknowledgements, signs of life, refusals) go
 * first, and are bounded.
 */
final class Outflow {

  /** A message for this receiver; the bytes may be shared with others. */
  static final class Item {
    final ByteBuffer message;
    final int[] subscriptions;
    final int size;

    Item(ByteBuffer message, int[] subscriptions) {
      this.message = message;
      this.subscriptions = subscriptions;
      this.size = 2 + 4 * subscriptions.length + message.remaining();
    }
  }

  /** What a writer is to write now. */
  static final class Batch {
    final List<Item> items = new ArrayList<>();
    final List<Long> denied = new ArrayList<>();
    final List<Integer> unheard = new ArrayList<>();
    final List<Flow> released = new ArrayList<>();
    long acknowledge = -1;
    boolean pong;
    @Nullable Goodbye goodbye;
    long bytes;

    void clear() {
      items.clear();
      denied.clear();
      unheard.clear();
      released.clear();
      acknowledge = -1;
      pong = false;
      bytes = 0;
    }

    boolean isEmpty() {
      return items.isEmpty()
          && denied.isEmpty()
          && unheard.isEmpty()
          && acknowledge < 0
          && !pong
          && goodbye == null;
    }
  }

  /** The hub's last words on a connection. */
  record Goodbye(boolean refused, String code, String sentence) {}

  /** What became of an offer. */
  enum Offer {
    TAKEN,
    /** Taken; the sender must wait with its acknowledgements until it is released. */
    HELD_UP,
    /** Not taken: too much waits for this receiver. */
    TOO_MUCH
  }

  private static final class Lane {
    final Sender sender;
    final ArrayDeque<Item> items = new ArrayDeque<>();

    /** The sender's connections that wait with their acknowledgements. */
    final Set<Flow> heldUp = new LinkedHashSet<>();

    long bytes;
    long turn;

    Lane(Sender sender) {
      this.sender = sender;
    }
  }

  /** How much a lane may send in its turn, in bytes. */
  private static final long QUANTUM = 64 << 10;

  private static final long BATCH = 512 << 10;

  /** Refusals that wait; who causes more without reading them is cut off. */
  private static final int MAX_REFUSALS = 8192;

  private final Limits limits;
  private final AtomicLong held;
  private final boolean patient;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();
  private final Map<Sender, Lane> lanes = new HashMap<>();
  private final ArrayDeque<Lane> turns = new ArrayDeque<>();
  private final List<Long> denied = new ArrayList<>();
  private final List<Integer> unheard = new ArrayList<>();
  private long credit;
  private long bytes;
  private long acknowledge = -1;
  private boolean pong;
  private @Nullable Goodbye goodbye;
  private boolean closed;
  private long progress;

  /**
   * Makes one.
   *
   * @param held what the hub holds in all
   * @param patient whether senders wait for this receiver, rather than that it is cut off
   * @param credit what the receiver is ready to take, in bytes
   */
  Outflow(Limits limits, AtomicLong held, boolean patient, long credit) {
    this.limits = limits;
    this.held = held;
    this.patient = patient;
    this.credit = credit;
  }

  /** Puts a message into its sender's lane. */
  Offer offer(Flow from, Item item) {
    lock.lock();
    try {
      int size = item.size;
      if (closed || goodbye != null) {
        return Offer.TAKEN; // nobody is there any more: a gap is the doing of a loss
      }
      if (!patient && bytes + size > limits.queue()) {
        return Offer.TOO_MUCH;
      }
      Lane lane = lanes.computeIfAbsent(from.sender(), Lane::new);
      if (lane.items.isEmpty()) {
        turns.add(lane);
      }
      lane.items.add(item);
      lane.bytes += size;
      bytes += size;
      held.addAndGet(size);
      filled.signal();
      if (patient && lane.bytes > limits.lane() && lane.heldUp.add(from)) {
        return Offer.HELD_UP;
      }
      return Offer.TAKEN;
    } finally {
      lock.unlock();
    }
  }

  void credit(long more) {
    lock.lock();
    try {
      credit += more;
      filled.signal();
    } finally {
      lock.unlock();
    }
  }

  void acknowledge(long count) {
    lock.lock();
    try {
      acknowledge = Math.max(acknowledge, count);
      filled.signal();
    } finally {
      lock.unlock();
    }
  }

  void pong() {
    lock.lock();
    try {
      pong = true;
      filled.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Tells that a message was not permitted; false when too many refusals wait. */
  boolean denied(long number) {
    return refuse(() -> denied.add(number));
  }

  /** Tells that a subscription was not permitted; false when too many refusals wait. */
  boolean unheard(int number) {
    return refuse(() -> unheard.add(number));
  }

  private boolean refuse(Runnable add) {
    lock.lock();
    try {
      if (denied.size() + unheard.size() >= MAX_REFUSALS) {
        return false;
      }
      add.run();
      filled.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Lets nothing more follow but these words. Only the first count. */
  void goodbye(Goodbye words) {
    lock.lock();
    try {
      if (goodbye == null) {
        goodbye = words;
        filled.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for something to write.
   *
   * @param batch emptied and filled; whoever it lets go on must be told by the caller
   * @return false when this was closed
   */
  boolean take(Batch batch) {
    batch.clear();
    lock.lock();
    try {
      while (!closed) {
        fill(batch);
        if (!batch.isEmpty()) {
          return true;
        }
        filled.awaitUninterruptibly();
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void fill(Batch batch) {
    batch.goodbye = goodbye;
    batch.denied.addAll(denied);
    denied.clear();
    batch.unheard.addAll(unheard);
    unheard.clear();
    batch.acknowledge = acknowledge;
    acknowledge = -1;
    batch.pong = pong;
    pong = false;
    while (goodbye == null && !turns.isEmpty() && batch.bytes < BATCH) {
      Lane lane = turns.element();
      Item item = lane.items.element();
      int size = item.size;
      if (size > credit) {
        break;
      }
      if (lane.turn < size) {
        lane.turn += QUANTUM;
        turns.add(turns.remove());
        continue;
      }
      lane.items.remove();
      lane.turn -= size;
      lane.bytes -= size;
      bytes -= size;
      credit -= size;
      batch.bytes += size;
      batch.items.add(item);
      if (lane.items.isEmpty()) {
        lane.turn = 0;
        turns.remove();
        lanes.remove(lane.sender);
      }
      if (lane.items.isEmpty() || lane.bytes <= limits.lane() / 2) {
        batch.released.addAll(lane.heldUp);
        lane.heldUp.clear();
      }
    }
    held.addAndGet(-batch.bytes);
    progress += batch.bytes;
  }

  /** How many bytes were taken for writing, ever. */
  long progress() {
    lock.lock();
    try {
      return progress;
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes of one sender wait. */
  long bytes(Sender sender) {
    lock.lock();
    try {
      Lane lane = lanes.get(sender);
      return lane == null ? 0 : lane.bytes;
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes wait. */
  long bytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  /** Ends it, and says who was held up by it. */
  List<Flow> close() {
    lock.lock();
    try {
      closed = true;
      List<Flow> released = new ArrayList<>();
      lanes.values().forEach(lane -> released.addAll(lane.heldUp));
      lanes.clear();
      turns.clear();
      held.addAndGet(-bytes);
      bytes = 0;
      filled.signalAll();
      return released;
    } finally {
      lock.unlock();
    }
  }
}
