// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a comparison has shown up to an instant; a document that can be kept.
 *
 * @param decision what follows from it
 * @param reason one sentence for a person
 * @param since when it began
 * @param until the instant
 * @param computations how many were compared
 * @param uncompared how many have ended, or begun too much, so that nothing certain was compared
 * @param records that came, by transport
 * @param sums of records
 * @param resent records that their sender sent again, which it may
 * @param windows that were judged, that differed among them, and that are open
 * @param counts of all findings
 * @param findings by name, as many as are named
 * @param evidence the last windows that were judged, and the first that differed
 */
public record Verdict(
    Decision decision,
    String reason,
    Instant since,
    Instant until,
    int computations,
    int uncompared,
    Map<String, Long> records,
    Sums sums,
    long resent,
    Windows windows,
    Map<Kind, Long> counts,
    List<Finding> findings,
    List<JsonObject> evidence) {

  /** What may be done on the strength of it. */
  public enum Decision {
    /** All that could be compared was alike. */
    SAFE,
    /** Something is missing, altered or double. */
    UNSAFE,
    /** Too little was seen. */
    UNDECIDED;

    /** The word in documents. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Sums of records.
   *
   * @param compared came both ways alike
   * @param pending came one way, and may come the other
   * @param skipped came one way, and their absence the other way says nothing
   */
  public record Sums(long compared, long pending, long skipped) {}

  /**
   * Windows.
   *
   * @param closed were judged
   * @param differing of these had findings, or records that were left out
   * @param open are not complete yet
   */
  public record Windows(long closed, long differing, long open) {}

  /** Makes maps and lists unchangeable. */
  public Verdict {
    records = Map.copyOf(records);
    counts = Map.copyOf(counts);
    findings = List.copyOf(findings);
    evidence = List.copyOf(evidence);
  }

  /** How many of a kind were found. */
  public long count(Kind kind) {
    return counts.getOrDefault(kind, 0L);
  }

  /** Its JSON. */
  public JsonObject toJson() {
    JsonObject.Builder byTransport = JsonObject.builder();
    new TreeMap<>(records).forEach(byTransport::put);
    JsonObject.Builder byKind = JsonObject.builder();
    long all = 0;
    for (Kind kind : Kind.values()) {
      byKind.put(kind.word(), count(kind));
      all += count(kind);
    }
    return JsonObject.builder()
        .put("verdict", decision.word())
        .put("reason", reason)
        .put("since", since.toString())
        .put("until", until.toString())
        .put("followed", computations)
        .put("uncompared", uncompared)
        .put("records", byTransport.build())
        .put("compared", sums.compared())
        .put("pending", sums.pending())
        .put("skipped", sums.skipped())
        .put("resent", resent)
        .put(
            "windows",
            JsonObject.builder()
                .put("closed", windows.closed())
                .put("differing", windows.differing())
                .put("open", windows.open())
                .build())
        .put("counts", byKind.build())
        .put("findings", JsonArray.of(findings.stream().map(Finding::toJson).toList()))
        .put("findings_left_out", Math.max(0, all - findings.size()))
        .put("evidence", JsonArray.of(evidence))
        .build();
  }
}
