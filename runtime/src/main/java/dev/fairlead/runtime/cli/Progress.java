// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Consumer;

/** Says what is being done, with the seconds since the start. */
final class Progress {

  private final Consumer<String> sink;
  private final InstantSource clock;
  private final java.time.Instant start;

  Progress(Consumer<String> sink, InstantSource clock) {
    this.sink = sink;
    this.clock = clock;
    this.start = clock.instant();
  }

  void say(String sentence) {
    double seconds = Duration.between(start, clock.instant()).toMillis() / 1000.0;
    sink.accept("%7.1f s  %s".formatted(seconds, sentence));
  }
}
