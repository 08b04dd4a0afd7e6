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

  private final ScheduledExecutorService timer;
  private final long firstMillis;
  private volatile @Nullable ClientComms comms;
  private @Nullable Future<?> next;
  private boolean stopped;

  Pinger(ScheduledExecutorService timer, long firstMillis) {
    this.timer = timer;
    this.firstMillis = firstMillis;
  }

  @Override
  public void init(ClientComms comms) {
    this.comms = comms;
  }

  @Override
  public void start() {
    schedule(firstMillis);
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
      next = timer.schedule(this::look, delayMillis, MILLISECONDS);
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
