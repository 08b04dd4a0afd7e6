// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.util.function.Consumer;

/** Hears a computation's lines as they are stored, in a thread of its own. */
final class LogFollower implements AutoCloseable {

  private static final long JOIN_MILLIS = 2000;

  private final JsonClient.LineReader lines;
  private final Consumer<JsonObject> each;
  private final Thread thread = new Thread(this::read, "fairlead-lines");

  LogFollower(JsonClient.LineReader lines, Consumer<JsonObject> each) {
    this.lines = lines;
    this.each = each;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void read() {
    try {
      for (JsonObject line = lines.nextObject(); line != null; line = lines.nextObject()) {
        each.accept(line);
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
