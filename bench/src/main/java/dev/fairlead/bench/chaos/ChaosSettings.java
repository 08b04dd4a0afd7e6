// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What run is wanted.
 *
 * @param transport its name
 * @param seed from which the faults follow, and the lines
 * @param length how long lines are said, 5 s to 1 h; longer where the faults take longer
 * @param rate lines a second, of all agents together, 1 to 1 000 000
 * @param agents how many there are, 1 to 32
 * @param forget when agents forget a line: {@code delivered}, or {@code stored}, and then the
 *     transport's peer is set to store lines
 * @param keep a folder for the two files that were compared, and logs; null for none
 * @param swap whether agents change their transport meanwhile, at random, by the seed
 */
public record ChaosSettings(
    String transport,
    long seed,
    Duration length,
    int rate,
    int agents,
    String forget,
    @Nullable Path keep,
    boolean swap) {

  /** The transports among which agents change. */
  static final List<String> ALL = List.of("nats", "mqtt", "vsock");

  private static final String STORED = "stored";

  /**
   * Checks all ranges.
   *
   * @throws IllegalArgumentException with a sentence for a person
   */
  public ChaosSettings {
    require(transport.matches("[a-z][a-z0-9-]{0,31}"), "a transport's name is a word");
    require(
        length.compareTo(Duration.ofSeconds(5)) >= 0 && length.compareTo(Duration.ofHours(1)) <= 0,
        "a run takes 5 to 3600 seconds");
    require(rate >= 1 && rate <= 1_000_000, "the rate is 1 to 1000000 lines a second");
    require(agents >= 1 && agents <= 32, "there are 1 to 32 agents");
    require(
        forget.equals("delivered") || forget.equals(STORED),
        "agents forget what is delivered, or what is stored");
    require(
        !swap || !forget.equals(STORED),
        "agents that change their transport forget what is delivered");
    require(!swap || ALL.contains(transport), "agents change among nats, mqtt and vsock");
    require(rate >= agents, "each agent says at least one line a second");
  }

  /** Whether agents forget what is stored. */
  boolean forgetsStored() {
    return forget.equals(STORED);
  }

  /** The transports that are used, the first one first. */
  List<String> transports() {
    List<String> names = new ArrayList<>(List.of(transport));
    if (swap) {
      ALL.stream().filter(name -> !name.equals(transport)).forEach(names::add);
    }
    return List.copyOf(names);
  }

  private static void require(boolean fits, String what) {
    if (!fits) {
      throw new IllegalArgumentException(what);
    }
  }
}
