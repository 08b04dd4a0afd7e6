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

  /** An answer that takes no longer shows that nobody has too much to do. */
  private static final long QUICK = 50_000_000L;

  /** Of what answers take longer, this part is waited for more to send, up to a limit. */
  private static final long SLOW_PART = 2;

  private static final long MAX_GAP = 400_000_000L;

  private final long first;

  private boolean backingOff;
  private long retryAt;
  private long backoff = MIN_BACKOFF;

  private long deadline = Long.MAX_VALUE;
  private long wait;
  private long roundTrip;
  private long gap;

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
   * How long a batch that is not full waits behind the one before it: longer where answers take
   * long, so that a way, a broker or a sink that has too much to do gets fewer and larger ones.
   *
   * @param least where answers are quick
   * @param underWay for how long the oldest has waited for its answer
   */
  long gap(long least, long underWay) {
    return Math.max(least, Math.max(gap, slow(underWay)));
  }

  /** A record took so long from here to the store and back. */
  void measure(long sample) {
    roundTrip = roundTrip == 0 ? sample : roundTrip + (sample - roundTrip) / 8;
  }

  /**
   * An answer has taken so long. The gap grows quickly, and shrinks slowly while answers are not
   * really quick: if all who have slowed down went back at once, they would be too many again.
   *
   * @param full whether it was about a batch that was full, which no gap makes larger
   */
  void adjust(long sample, boolean full) {
    if (sample <= QUICK) {
      long part = sample <= QUICK / 4 ? 4 : 16;
      gap -= (gap + part - 1) / part;
    } else if (!full && roundTrip > QUICK) {
      gap = Math.min(MAX_GAP, Math.max(gap + gap / 4, slow(roundTrip)));
    }
  }

  private static long slow(long waited) {
    return Math.max(0, Math.min((waited - QUICK) / SLOW_PART, MAX_GAP));
  }
}
