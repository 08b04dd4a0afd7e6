// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.eclipse.paho.mqttv5.client.MqttPingSender;
import org.eclipse.paho.mqttv5.client.internal.ClientComms;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a connection four times a second. Paho pings when nothing came for {@link
 * MqttConnection#KEEP_ALIVE}; whether the peer is dead is decided here, by what the socket gave.
 * Paho itself reckons from what was sent last, and of a ping that it cannot write, since the socket
 * is full, it waits for two intervals more.
 *
 * <p>So a silent peer is pinged 2 to 2.25 s after its last byte, and given up five looks later: at
 * most 3.5 s after its last byte, and what threads are late. Looks are counted rather than time, so
 * that a process that itself stood still first reads what has come meanwhile.
 */
final class Pinger implements MqttPingSender {

  private static final long LOOK_MILLIS = 250;

  /** Looks after a ping at which nothing had come. */
  private static final int PATIENCE = 5;

  /** A connection over which something came is never given up sooner than this, in ns. */
  private static final long SILENCE_NANOS = MILLISECONDS.toNanos(3_000);

  private final ScheduledExecutorService timer;
  private final LongSupplier heardAt;
  private final Runnable silent;
  private final LongSupplier nanoTime;
  private volatile @Nullable BooleanSupplier ping;

  // Guarded by this.
  private @Nullable Future<?> next;
  private boolean stopped;

  // Touched by one look after the other, which the timer hands on.
  private boolean asked;
  private long askedAt;
  private int looks;

  /**
   * Makes one for one connection.
   *
   * @param heardAt when the peer was last heard, on that clock
   * @param silent called once when the peer is given up
   * @param nanoTime a clock that never goes back
   */
  Pinger(
      ScheduledExecutorService timer,
      LongSupplier heardAt,
      Runnable silent,
      LongSupplier nanoTime) {
    this.timer = timer;
    this.heardAt = heardAt;
    this.silent = silent;
    this.nanoTime = nanoTime;
  }

  @Override
  public void init(ClientComms comms) {
    init(() -> comms.checkForActivity() != null);
  }

  /**
   * Tells how to ping.
   *
   * @param ping pings if it is time to; whether it did
   */
  void init(BooleanSupplier ping) {
    this.ping = ping;
  }

  @Override
  public void start() {
    lookLater();
  }

  @Override
  public synchronized void stop() {
    stopped = true;
    if (next != null) {
      next.cancel(false);
    }
  }

  /** Paho's idea of when to look again: it is looked sooner. */
  @Override
  public void schedule(long delayMillis) {}

  private synchronized void lookLater() {
    if (stopped) {
      return;
    }
    try {
      next = timer.schedule(this::look, LOOK_MILLIS, MILLISECONDS);
    } catch (RejectedExecutionException e) {
      stopped = true; // its transport is closing
    }
  }

  private void look() {
    BooleanSupplier to = ping;
    if (to == null) {
      return;
    }
    long heard = heardAt.getAsLong();
    if (asked && heard - askedAt > 0) {
      asked = false;
    }
    if (!asked) {
      long now = nanoTime.getAsLong();
      if (to.getAsBoolean()) {
        asked = true;
        askedAt = now;
        looks = 0;
      }
    } else if (++looks >= PATIENCE && nanoTime.getAsLong() - heard >= SILENCE_NANOS) {
      stop();
      silent.run();
    }
    lookLater();
  }
}
