// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** Hears a computation's lines as they are stored, in a thread of its own. */
final class LogFollower implements AutoCloseable {

  private static final long JOIN_MILLIS = 2000;
  private static final Duration CATCH_UP = Duration.ofSeconds(20);
  private static final long POLL_NANOS = 50_000_000;

  private final JsonClient.LineReader lines;
  private final Consumer<JsonObject> each;
  private final AtomicLong heard = new AtomicLong();
  private final Thread thread = new Thread(this::read, "fairlead-lines");

  LogFollower(JsonClient.LineReader lines, Consumer<JsonObject> each) {
    this.lines = lines;
    this.each = each;
    thread.setDaemon(true);
  }

  /** Waits, for a few seconds at most, until so many lines were heard. */
  void await(long lines) {
    long deadline = System.nanoTime() + CATCH_UP.toNanos();
    while (heard.get() < lines && thread.isAlive() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  void start() {
    thread.start();
  }

  private void read() {
    try {
      for (JsonObject line = lines.nextObject(); line != null; line = lines.nextObject()) {
        each.accept(line);
        heard.incrementAndGet();
      }
    } catch (HttpProblem e) {
      // Closed, or the service is gone: whoever drives the computation says so.
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    lines.close();
    try {
      thread.join(JOIN_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
