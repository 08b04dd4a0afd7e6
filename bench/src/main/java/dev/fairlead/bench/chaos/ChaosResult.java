// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.protocol.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** What came of a run. */
public final class ChaosResult {

  private final ChaosSettings settings;
  private final Tally tally;
  private final List<Orders.Outcome> swaps;
  private final long refreshed;
  private final Map<Fault.Kind, Integer> faults;
  private final Injector.Notices notices;
  private final Duration said;
  private final Duration drain;
  private final List<JsonObject> agents;
  private final Optional<JsonObject> collector;

  ChaosResult(
      ChaosSettings settings,
      Tally tally,
      List<Orders.Outcome> swaps,
      long refreshed,
      Map<Fault.Kind, Integer> faults,
      Injector.Notices notices,
      Duration said,
      Duration drain,
      List<JsonObject> agents,
      Optional<JsonObject> collector) {
    this.settings = settings;
    this.tally = tally;
    this.swaps = List.copyOf(swaps);
    this.refreshed = refreshed;
    this.faults = Map.copyOf(faults);
    this.notices = notices;
    this.said = said;
    this.drain = drain;
    this.agents = List.copyOf(agents);
    this.collector = collector;
  }

  /** Whether every line was stored once, in its place, as it was said, and all had drained. */
  public boolean isClean() {
    return tally.isClean() && isDrained();
  }

  private boolean isDrained() {
    return agents.size() == settings.agents() && agents.stream().allMatch(a -> a.bool("drained"));
  }

  /** What is wrong, the first of each kind: sentences for a person. */
  public List<String> examples() {
    return tally.examples();
  }

  /** The result's line; the README of this module explains it. */
  public JsonObject toJson() {
    JsonObject.Builder counts = JsonObject.builder();
    for (Fault.Kind kind : Fault.Kind.values()) {
      counts.put(kind.label(), faults.getOrDefault(kind, 0));
    }
    JsonObject.Builder json =
        JsonObject.builder().put("transport", String.join(",", settings.transports()));
    if (settings.swap()) {
      long done = swaps.stream().filter(Orders.Outcome::isDone).count();
      JsonObject.Builder refused = JsonObject.builder();
      new TreeMap<>(
              swaps.stream()
                  .filter(swap -> !swap.isDone())
                  .collect(Collectors.groupingBy(Orders.Outcome::code, Collectors.counting())))
          .forEach(refused::put);
      json.put("swaps", done)
          .put("swapsFailed", swaps.size() - done)
          .put("swapFailures", refused.build())
          .put("swapMsP50", part(0.5, Orders.Outcome::millis))
          .put("swapMsP99", part(0.99, Orders.Outcome::millis))
          .put("producerPauseMsP99", part(0.99, Orders.Outcome::pauseMicros) / 1000)
          .put("producerPauseMsMax", part(1, Orders.Outcome::pauseMicros) / 1000)
          .put("otherBundlesRefreshed", refreshed);
    }
    return json.put("seed", settings.seed())
        .put("seconds", settings.length().toSeconds())
        .put("rate", settings.rate())
        .put("agents", settings.agents())
        .put("forget", settings.forget())
        .put("appended", tally.appended())
        .put("stored", tally.stored())
        .put("lost", tally.lost())
        .put("duplicates", tally.duplicates())
        .put("reordered", tally.reordered())
        .put("altered", tally.altered())
        .put("unknown", tally.unknown())
        .put("faults", counts.build())
        .put("dropped", tally.dropped())
        .put("inFlightAtKills", tally.inFlight())
        .put("neverAppended", tally.neverAppended())
        .put("stallDetectMsMax", notices.worstMillis())
        .put("stallsMeasured", notices.measured())
        .put("stallsUnnoticed", notices.unnoticed())
        .put("drained", isDrained())
        .put("saidMs", said.toMillis())
        .put("drainMs", drain.toMillis())
        .put("books", books())
        .put("clean", isClean())
        .put("examples", tally.examples())
        .build();
  }

  /** The value below which a part of the swaps lies that were done; 0 where none was. */
  private long part(double part, ToLongFunction<Orders.Outcome> value) {
    long[] sorted =
        swaps.stream().filter(Orders.Outcome::isDone).mapToLong(value).sorted().toArray();
    return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(part * sorted.length) - 1];
  }

  /** What the product itself counted, and whether that agrees with the recount. */
  private JsonObject books() {
    long appended = sum("appended");
    long delivered = sum("delivered");
    long dropped = sum("dropped");
    long stored = collector.map(c -> c.integer("stored", 0, Long.MAX_VALUE)).orElse(-1L);
    boolean agree =
        appended == tally.appended()
            && delivered == tally.stored()
            && stored == tally.stored()
            && dropped == tally.dropped();
    return JsonObject.builder()
        .put("appended", appended)
        .put("delivered", delivered)
        .put("queued", sum("queued"))
        .put("dropped", dropped)
        .put("resentBatches", sum("resent"))
        .put("stored", stored)
        .put("balanced", agents.stream().allMatch(a -> a.bool("balanced")))
        .put("agree", agree)
        .build();
  }

  private long sum(String name) {
    return agents.stream().mapToLong(a -> a.integer(name, 0, Long.MAX_VALUE)).sum();
  }
}
