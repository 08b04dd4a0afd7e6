// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a silent peer is given up; clock and timer are driven by hand. */
class PingerTest {

  private static final long LOOK = MILLISECONDS.toNanos(250);
  private static final long KEEP_ALIVE = MqttConnection.KEEP_ALIVE.toNanos();

  private final HandTimer timer = new HandTimer();
  private final AtomicInteger pings = new AtomicInteger();
  private final AtomicInteger givenUp = new AtomicInteger();
  // Far from 0 and near its end, as the clock of a machine may be.
  private long now = Long.MAX_VALUE - LOOK;
  private long heard = now;

  @BeforeEach
  void start() {
    Pinger pinger = new Pinger(timer, () -> heard, givenUp::incrementAndGet, () -> now);
    pinger.init(
        () -> {
          boolean due = now - heard >= KEEP_ALIVE;
          pings.addAndGet(due ? 1 : 0);
          return due;
        });
    pinger.start();
  }

  @AfterEach
  void stop() {
    timer.shutdownNow();
  }

  private void look() {
    now += LOOK;
    timer.run();
  }

  private void lookUntilPinged() {
    int before = pings.get();
    while (pings.get() == before) {
      look();
    }
  }

  @Test
  void fiveSilentLooksAfterThePingEndIt() {
    lookUntilPinged();
    assertThat(now - heard).isEqualTo(KEEP_ALIVE);
    for (int i = 0; i < 4; i++) {
      look();
    }
    assertThat(givenUp).hasValue(0);
    look();
    assertThat(givenUp).hasValue(1);
    assertThat(pings).hasValue(1);
    assertThat(timer.next).as("another look").isNull();
  }

  @Test
  void aByteBeginsItAnew() {
    lookUntilPinged();
    for (int i = 0; i < 4; i++) {
      look();
    }
    heard = now;
    lookUntilPinged();
    assertThat(now - heard).isEqualTo(KEEP_ALIVE);
    for (int i = 0; i < 4; i++) {
      look();
    }
    assertThat(givenUp).hasValue(0);
    look();
    assertThat(givenUp).hasValue(1);
    assertThat(pings).hasValue(2);
  }

  @Test
  void aProcessThatStoodStillFirstReadsWhatHasCome() {
    lookUntilPinged();
    look();
    now += MILLISECONDS.toNanos(60_000);
    look();
    look();
    assertThat(givenUp).hasValue(0);
    heard = now;
    for (int i = 0; i < 4; i++) {
      look();
    }
    assertThat(givenUp).hasValue(0);
    lookUntilPinged();
    assertThat(givenUp).hasValue(0);
    assertThat(timer.next).as("another look").isNotNull();
  }

  @Test
  void aStandstillBeforeThePingLeavesThePeerItsLooks() {
    look();
    now += MILLISECONDS.toNanos(60_000);
    look();
    assertThat(pings).hasValue(1);
    for (int i = 0; i < 4; i++) {
      look();
    }
    assertThat(givenUp).hasValue(0);
    look();
    assertThat(givenUp).hasValue(1);
  }

  /** Keeps the next task until the test runs it. */
  private static final class HandTimer extends ScheduledThreadPoolExecutor {
    private @Nullable Runnable next;

    HandTimer() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
      assertThat(unit.toNanos(delay)).isEqualTo(LOOK);
      next = command;
      return super.schedule(() -> {}, 1, DAYS);
    }

    void run() {
      Runnable task = next;
      next = null;
      if (task != null) {
        task.run();
      }
    }
  }
}
