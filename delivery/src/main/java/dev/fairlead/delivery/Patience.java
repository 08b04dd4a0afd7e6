// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.time.Duration;

/**
 * When a stream sends again: after a refusal or failure of the transport with growing pauses, and
 * after silence of the sink when patience is over. Times are in ns; guarded by the stream's lock.
 */
final class Patience {

  /** Longest wait for an acknowledgement, as a multiple of the first. */
  private static final int MOST = 4;

  private static final long MIN_BACKOFF = 1_000_000L;
  private static final long MAX_BACKOFF = 250_000_000L;
  private static final long REFUSED_BACKOFF = 1_000_000_000L;

  /**
   * As many batches may be under way, before a small one waits, as are answered in this time one
   * after the other.
   */
  private static final long ANSWERED = 100_000_000L;

  /** It waits no longer than this. */
  private static final long MAX_GAP = 1_000_000_000L;

  private final long first;

  private boolean backingOff;
  private long retryAt;
  private long backoff = MIN_BACKOFF;

  private long deadline = Long.MAX_VALUE;
  private long wait;
  private long roundTrip;

  /** The turn of the last probe, if it was not answered; 0 where there is none. */
  private long probe;

  Patience(Duration resendAfter) {
    first = resendAfter.toNanos();
    wait = first;
  }

  /** Whether nothing may be sent yet, since the transport took nothing. */
  boolean pauses(long now) {
    backingOff = backingOff && now < retryAt;
    return backingOff;
  }

  /** When to look again if nothing happens before. */
  long wakeAt(long otherwise) {
    return backingOff ? retryAt : Math.min(deadline, otherwise);
  }

  /** The transport has taken something. */
  void taken() {
    backoff = MIN_BACKOFF;
    backingOff = false;
  }

  /** The transport has not taken something. */
  void failed(boolean refused, long now) {
    backoff = refused ? Math.max(backoff, REFUSED_BACKOFF) : backoff;
    backingOff = true;
    retryAt = now + backoff;
    backoff = Math.min(backoff * 2, refused ? 30 * REFUSED_BACKOFF : MAX_BACKOFF);
  }

  /** Something was sent after a time in which nothing was under way. */
  void begin(long now) {
    if (deadline == Long.MAX_VALUE) {
      restart(now);
    }
  }

  /** The sink has come further, or there is a new connection. */
  void restart(long now) {
    wait = Math.max(first, Math.min(4 * roundTrip, first * MOST));
    deadline = now + wait;
  }

  /** Nothing is under way. */
  void rest() {
    deadline = Long.MAX_VALUE;
    probe = 0;
  }

  /**
   * Whether the oldest is to be sent again to find out; the next time later.
   *
   * @param turn with which it will be sent
   */
  boolean isOver(long now, long turn) {
    if (now < deadline) {
      return false;
    }
    probe = turn;
    wait = Math.min(wait * 2, first * MOST);
    deadline = now + wait;
    return true;
  }

  /**
   * The sink has come further: whether it was the probe that brought it there.
   *
   * @param turn which came last there; 0 where it does not say
   * @return what was sent in an earlier turn went the way of what was probed for; 0 where nothing
   *     is known
   */
  long answered(long turn) {
    if (turn > 0 && turn < probe) {
      return 0; // what was thought lost comes after all; the probe is still on its way
    }
    long before = probe;
    probe = 0;
    return before;
  }

  /**
   * How long a small batch waits behind the one before it, while others are under way: hardly,
   * where these are few or answers are quick; else until enough of them are answered, so that a
   * way, a broker or a sink that has too much to do gets fewer and larger ones, and only as quickly
   * as it answers.
   *
   * @param least where nobody has too much to do
   * @param underWay how many batches are, at least one
   * @param oldest for how long the oldest of them has waited for its answer
   */
  long gap(long least, int underWay, long oldest) {
    boolean unknown = roundTrip == 0; // of a thousand that begin, each begins with one batch
    boolean slow = unknown || (underWay + 1) * Math.max(roundTrip, oldest) > ANSWERED;
    return slow ? Math.max(least, MAX_GAP) : least;
  }

  /** A record took so long from here to the store and back. */
  void measure(long sample) {
    roundTrip = roundTrip == 0 ? sample : roundTrip + (sample - roundTrip) / 8;
  }
}
