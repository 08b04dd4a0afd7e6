// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one run of the kit found; stands in {@code <name>.json} as one object:
 *
 * <pre>
 * {"transport":"nats",              what was held to the contract
 *  "provider":"dev.fairlead…",      the class of its provider; absent where the harness did not start
 *  "can":["LAST_WILL",…],           the capabilities that the transport declares …
 *  "cannot":["STORED",…],           … and those that it says it lacks
 *  "java":"17.0.17","seed":7,       -Dtck.seed=7 repeats the random choices
 *  "started":"2026-11-22T06:00:00Z","millis":41234,
 *  "passed":92,"failed":0,          failed counts all that is neither passed nor untested
 *  "untested":["T6.8",…],
 *  "problem":"…",                   what went wrong outside the rules; absent where nothing did
 *  "rules":[{"rule":"T3.2","intent":"…","outcome":"passed","millis":63,
 *            "failure":"…","reason":"…","seed":7},…]}
 * </pre>
 *
 * An outcome is {@code passed}, {@code failed} (by an assertion of the rule's own), {@code
 * timed-out} (by the general time-out), {@code broken} (by an exception), {@code not-run} or {@code
 * untested}; {@code failure} stands with the middle four, {@code reason} with the last.
 *
 * @param transport what was held to the contract
 * @param provider the class of its provider, null where the harness did not start
 * @param capabilities what the transport says it can do
 * @param seed from which random choices follow
 * @param started when
 * @param millis how long it took
 * @param rules all of the contract, in the README's order
 * @param problem what went wrong outside the rules, null where nothing did
 */
public record Results(
    String transport,
    @Nullable String provider,
    Set<Capability> capabilities,
    long seed,
    Instant started,
    long millis,
    List<RuleResult> rules,
    @Nullable String problem) {

  private static final int MAX_BYTES = 4 << 20;

  /** How many rules hold. */
  public int passed() {
    return (int) rules.stream().filter(r -> r.outcome() == RuleResult.Outcome.PASSED).count();
  }

  /** The rules that do not hold, or of which that is not known though they can be tested. */
  public List<RuleResult> failures() {
    return rules.stream().filter(RuleResult::isFailure).toList();
  }

  /** The numbers of the rules that nothing has tested. */
  public List<String> untested() {
    return numbers(RuleResult.Outcome.UNTESTED);
  }

  /** The numbers of the rules that an assertion of their own says to be broken. */
  public List<String> caughtBy() {
    return numbers(RuleResult.Outcome.FAILED);
  }

  /** Whether every rule that can be tested holds, and nothing else went wrong. */
  public boolean good() {
    return failures().isEmpty() && problem == null;
  }

  private List<String> numbers(RuleResult.Outcome outcome) {
    return rules.stream().filter(r -> r.outcome() == outcome).map(RuleResult::rule).toList();
  }

  /** The object that stands in the result file. */
  public JsonObject toJson() {
    List<String> can = new ArrayList<>();
    List<String> cannot = new ArrayList<>();
    for (Capability each : Capability.values()) {
      (capabilities.contains(each) ? can : cannot).add(each.name());
    }
    return JsonObject.builder()
        .put("transport", transport)
        .putIfPresent("provider", provider)
        .put("can", can)
        .put("cannot", cannot)
        .put("java", System.getProperty("java.version"))
        .put("seed", seed)
        .put("started", started.toString())
        .put("millis", millis)
        .put("passed", passed())
        .put("failed", failures().size())
        .put("untested", untested())
        .putIfPresent("problem", problem)
        .put("rules", JsonArray.of(rules.stream().map(RuleResult::toJson).toList()))
        .build();
  }

  static Results of(JsonObject json) {
    Set<Capability> capabilities = new TreeSet<>();
    Arrays.stream(Capability.values())
        .filter(each -> json.strings("can").contains(each.name()))
        .forEach(capabilities::add);
    return new Results(
        json.string("transport"),
        json.optionalString("provider").orElse(null),
        capabilities,
        json.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
        Instant.parse(json.string("started")),
        json.integer("millis", 0, Long.MAX_VALUE),
        json.objects("rules").stream().map(RuleResult::of).toList(),
        json.optionalString("problem").orElse(null));
  }

  /** The file of a transport's results. */
  static Path file(Path folder, String transport) {
    return folder.resolve(transport + ".json");
  }

  /** Writes the result file into a folder, which is made where it is missing. */
  void write(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.writeString(file(folder, transport), Json.write(toJson()) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException("The results cannot be written to " + folder + ".", e);
    }
  }

  /** Reads a result file. */
  static Results read(Path folder, String transport) {
    try {
      return of(Json.parseObject(Files.readAllBytes(file(folder, transport)), MAX_BYTES));
    } catch (IOException e) {
      throw new UncheckedIOException("The results in " + folder + " cannot be read.", e);
    }
  }
}
