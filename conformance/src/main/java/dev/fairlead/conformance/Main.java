// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.tck.Kit;
import dev.fairlead.transport.tck.Results;
import dev.fairlead.transport.tck.RuleResult;
import dev.fairlead.transport.tck.Saboteur;
import dev.fairlead.transport.tck.TransportContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.FileHandler;
import java.util.logging.Handler;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * Holds transports to the contract, then the kit to its saboteurs. Progress goes to standard error;
 * standard output ends with one line, where {@code failures} stands only beside a {@code failed}
 * that is not 0, and {@code problem} only where something went wrong outside the rules:
 *
 * <pre>
 * {"transports":{"nats":{"passed":93,"failed":1,"untested":["T6.8"],"failures":["T8.2"],"problem":"…"}},
 *  "saboteurs":[{"name":"LOSES","rule":"T3.2","caughtBy":["T3.2","T5.1"]}]}
 * </pre>
 */
public final class Main {

  private static final int DONE = 0;
  private static final int FAILED = 1;
  private static final int USAGE = 2;
  private static final int NOT_FOUND = 66;

  /** How many saboteurs at once: they wait more than they work. */
  private static final int AT_ONCE = 8;

  private Main() {}

  /**
   * Runs. Options, each with a value: {@code --transports} and {@code --saboteurs} (names,
   * separated by commas, or {@code all} or {@code none}; all), {@code --results} (a folder; {@code
   * target/tck}), {@code --seed} (of what is random; another each time).
   */
  public static void main(String[] words) throws IOException {
    System.exit(run(words));
  }

  private static int run(String[] words) throws IOException {
    Map<String, String> options = new TreeMap<>();
    for (int i = 0; i + 1 < words.length; i += 2) {
      options.put(words[i], words[i + 1]);
    }
    Path folder = Path.of(options.getOrDefault("--results", "target/tck"));
    String seed = options.getOrDefault("--seed", Long.toString(System.nanoTime() & 0xFFFF_FFFFL));
    Map<String, TransportContract> contracts = new LinkedHashMap<>();
    Kit.contracts().forEach(contract -> contracts.put(contract.name(), contract));
    Map<String, Saboteur> saboteurs = new LinkedHashMap<>();
    Arrays.stream(Saboteur.values()).forEach(each -> saboteurs.put(each.name(), each));
    try {
      contracts.keySet().retainAll(chosen(options, "--transports", contracts));
      saboteurs.keySet().retainAll(chosen(options, "--saboteurs", saboteurs));
    } catch (IllegalArgumentException e) {
      System.err.println("fairlead: " + e.getMessage());
      return NOT_FOUND;
    }
    if (words.length % 2 != 0 || !seed.matches("-?\\d{1,18}")) {
      System.err.println("fairlead: give each option a value, and a whole number as --seed.");
      return USAGE;
    }
    logTo(folder);
    System.err.println("seed " + seed + "; results and log go to " + folder);
    return run(new Kit(folder, Long.parseLong(seed), System.err::println), contracts, saboteurs);
  }

  private static int run(
      Kit kit, Map<String, TransportContract> contracts, Map<String, Saboteur> saboteurs) {
    boolean good = true;
    JsonObject.Builder transports = JsonObject.builder();
    for (TransportContract contract : contracts.values()) {
      System.err.println(contract.name() + ": …");
      Results results = kit.run(contract);
      transports.put(contract.name(), summary(results));
      good &= results.good();
    }
    List<JsonObject> caught = new ArrayList<>();
    for (Map.Entry<Saboteur, Results> each :
        kit.run(List.copyOf(saboteurs.values()), AT_ONCE).entrySet()) {
      List<String> rules = each.getValue().caughtBy();
      good &= rules.contains(each.getKey().rule());
      caught.add(
          JsonObject.builder()
              .put("name", each.getKey().name())
              .put("rule", each.getKey().rule())
              .put("caughtBy", rules)
              .build());
    }
    System.out.println(
        Json.write(
            JsonObject.builder()
                .put("transports", transports.build())
                .put("saboteurs", JsonArray.of(caught))
                .build()));
    return good ? DONE : FAILED;
  }

  private static JsonObject summary(Results results) {
    List<String> failures = results.failures().stream().map(RuleResult::rule).toList();
    return JsonObject.builder()
        .put("passed", results.passed())
        .put("failed", failures.size())
        .put("untested", results.untested())
        .putIfPresent("failures", failures.isEmpty() ? null : JsonArray.ofStrings(failures))
        .putIfPresent("problem", results.problem())
        .build();
  }

  private static List<String> chosen(
      Map<String, String> options, String option, Map<String, ?> there) {
    String given = options.getOrDefault(option, "all");
    if (given.equals("all")) {
      return List.copyOf(there.keySet());
    }
    if (given.equals("none")) {
      return List.of();
    }
    List<String> names = List.of(given.split(",", -1));
    for (String name : names) {
      if (!there.containsKey(name)) {
        throw new IllegalArgumentException(
            "%s: there is no '%s'; there are: %s."
                .formatted(option, name, String.join(", ", there.keySet())));
      }
    }
    return names;
  }

  /** What transports log while they are mistreated would bury the progress. */
  private static void logTo(Path folder) throws IOException {
    Files.createDirectories(folder);
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    FileHandler file = new FileHandler(folder.resolve("tck.log").toString());
    file.setFormatter(new SimpleFormatter());
    root.addHandler(file);
  }
}
