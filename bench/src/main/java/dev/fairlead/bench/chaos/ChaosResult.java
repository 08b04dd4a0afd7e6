// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.protocol.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What came of a run. */
public final class ChaosResult {

  private final ChaosSettings settings;
  private final Tally tally;
  private final Map<Fault.Kind, Integer> faults;
  private final Injector.Notices notices;
  private final Duration said;
  private final Duration drain;
  private final List<JsonObject> agents;
  private final Optional<JsonObject> collector;

  ChaosResult(
      ChaosSettings settings,
      Tally tally,
      Map<Fault.Kind, Integer> faults,
      Injector.Notices notices,
      Duration said,
      Duration drain,
      List<JsonObject> agents,
      Optional<JsonObject> collector) {
    this.settings = settings;
    this.tally = tally;
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
    return JsonObject.builder()
        .put("transport", settings.transport())
        .put("seed", settings.seed())
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
