// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All that one call of the benchmark found.
 *
 * @param started when it started
 * @param took how long it took
 * @param command how it was called
 * @param seed what its randomness came from
 * @param quick whether it was the short form
 * @param incomplete why there are fewer runs than there should be ({@code interrupted}), null when
 *     all are there
 * @param machine where it ran
 * @param loadBefore the machine's load of one minute before the first run
 * @param loadAfter the same after the last
 * @param versions of everything that took part, by name
 * @param configuration by subject's label, or {@code common}: name and value of each setting
 * @param notes sentences that a reader must know
 * @param crossChecks what other clients found
 * @param failures runs that did not come to their end
 * @param runs in the order in which they ran
 */
public record Results(
    Instant started,
    Duration took,
    String command,
    long seed,
    boolean quick,
    @Nullable String incomplete,
    Machine machine,
    double loadBefore,
    double loadAfter,
    Map<String, String> versions,
    Map<String, Map<String, String>> configuration,
    List<String> notes,
    List<CrossCheck> crossChecks,
    List<Failure> failures,
    List<Run> runs) {

  /** The version of the file that it is written to. */
  public static final int SCHEMA = 1;

  /** Checks for null, copies maps (by rising name) and lists. */
  public Results {
    requireNonNull(started, "started is null");
    requireNonNull(took, "took is null");
    requireNonNull(command, "command is null");
    requireNonNull(machine, "machine is null");
    versions = sorted(versions);
    Map<String, Map<String, String>> byLabel = new TreeMap<>();
    configuration.forEach((label, settings) -> byLabel.put(label, sorted(settings)));
    configuration = Collections.unmodifiableMap(byLabel);
    notes = List.copyOf(notes);
    crossChecks = List.copyOf(crossChecks);
    failures = List.copyOf(failures);
    runs = List.copyOf(runs);
  }

  private static Map<String, String> sorted(Map<String, String> map) {
    return Collections.unmodifiableMap(new TreeMap<>(map));
  }
}
