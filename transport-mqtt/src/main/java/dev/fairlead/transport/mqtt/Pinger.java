// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import org.eclipse.paho.mqttv5.client.MqttPingSender;
import org.eclipse.paho.mqttv5.client.internal.ClientComms;
import org.jspecify.annotations.Nullable;

/** Looks at a connection when Paho says that it is time to; Paho pings, or finds it dead. */
final class Pinger implements MqttPingSender {

  /**
   * Paho reckons the next look from what was sent last, so that while much is sent it would notice
   * a peer's silence one interval later; after a ping, it would wait a whole interval for the
   * answer.
   */
  private static final long LOOK_MILLIS = 500;

  /** How long a peer has for the answer to a ping. */
  private static final long ANSWER_MILLIS = 1_500;

  private final ScheduledExecutorService timer;
  private final long keepAliveMillis;
  private volatile @Nullable ClientComms comms;
  private @Nullable Future<?> next;
  private boolean stopped;

  Pinger(ScheduledExecutorService timer, long keepAliveMillis) {
    this.timer = timer;
    this.keepAliveMillis = keepAliveMillis;
  }

  @Override
  public void init(ClientComms comms) {
    this.comms = comms;
  }

  @Override
  public void start() {
    schedule(keepAliveMillis);
  }

  @Override
  public synchronized void stop() {
    stopped = true;
    if (next != null) {
      next.cancel(false);
    }
  }

  @Override
  public synchronized void schedule(long delayMillis) {
    if (stopped) {
      return;
    }
    try {
      long most = delayMillis < keepAliveMillis ? LOOK_MILLIS : ANSWER_MILLIS;
      long delay = Math.min(delayMillis, most);
      next = timer.schedule(this::look, delay, MILLISECONDS);
    } catch (RejectedExecutionException e) {
      stopped = true; // its transport is closing
    }
  }

  private void look() {
    ClientComms to = comms;
    if (to != null) {
      to.checkForActivity();
    }
  }
}
