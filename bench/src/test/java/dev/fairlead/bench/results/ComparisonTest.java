// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.results.Comparison.Verdict;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ComparisonTest {

  @Test
  void theSameIsTheSame() {
    Comparison comparison = Comparison.of(Samples.small(), Samples.small());

    assertThat(comparison.hasWorse()).isFalse();
    assertThat(comparison.missing()).isEmpty();
    assertThat(verdict(comparison, Metric.LOST)).isEqualTo(Verdict.SAME);
    assertThat(verdict(comparison, Metric.END_TO_END)).isEqualTo(Verdict.UNCLEAR);
  }

  @Test
  void rangesApartAreBetterOrWorseByWhichWayIsBetter() {
    Comparison comparison = Comparison.of(rates(100, 110, 105), rates(130, 120, 125));

    assertThat(verdict(comparison, Metric.END_TO_END)).isEqualTo(Verdict.BETTER);
    assertThat(verdict(Comparison.of(rates(130, 120), rates(100, 90)), Metric.END_TO_END))
        .isEqualTo(Verdict.WORSE);
    assertThat(change(comparison, Metric.END_TO_END).ratio()).hasValue(125.0 / 105);
    assertThat(cpu(1.0, 1.1, 1.5, 1.6)).isEqualTo(Verdict.WORSE);
    assertThat(cpu(1.5, 1.6, 1.0, 1.1)).isEqualTo(Verdict.BETTER);
  }

  @Test
  void rangesThatTouchAndSingleRunsAreUnclear() {
    assertThat(verdict(Comparison.of(rates(100, 120), rates(120, 160)), Metric.END_TO_END))
        .isEqualTo(Verdict.UNCLEAR);
    assertThat(verdict(Comparison.of(rates(100), rates(200)), Metric.END_TO_END))
        .isEqualTo(Verdict.UNCLEAR);
  }

  @Test
  void aLostRecordIsWorseWhateverTheRanges() {
    Run clean = Samples.broken(Samples.NATS, Samples.CRASH, 1, 50, 0, new Random(1));
    Run lossy = Samples.broken(Samples.NATS, Samples.CRASH, 1, 50, 1, new Random(1));

    Comparison comparison =
        Comparison.of(
            Samples.results(List.of(clean), false, null),
            Samples.results(List.of(lossy), false, null));

    assertThat(verdict(comparison, Metric.LOST)).isEqualTo(Verdict.WORSE);
    assertThat(comparison.hasWorse()).isTrue();
  }

  @Test
  void anotherMachineAndConfigurationAreSaidFirstAndLoudly() {
    Results other =
        new Results(
            Samples.small().started(),
            Samples.small().took(),
            "fairlead bench",
            7,
            false,
            "It was interrupted.",
            new Machine("Other CPU", 64, 1L << 40, "x", "y", "z"),
            0,
            0,
            Map.of("fairlead", "0.2.0"),
            Map.of("nats", Map.of("batch", "16 KiB")),
            List.of(),
            List.of(),
            List.of(),
            List.of());

    Comparison comparison = Comparison.of(Samples.small(), other);

    assertThat(comparison.toText().get(0)).startsWith("!! NOT THE SAME MACHINE: Made-up CPU 3");
    assertThat(String.join(" ", comparison.warnings()))
        .contains(
            "ONE IS QUICK", "CONFIGURATION DIFFER: common, nats", "VERSIONS DIFFER", "incomplete");
    assertThat(comparison.toText()).contains("The two have no run in common.");
    assertThat(comparison.missing()).contains("Only the first has nats, max-rate 200 B.");
    assertThat(comparison.toText())
        .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
  }

  @Test
  void theObjectSaysTheSame() {
    JsonObject json = Comparison.of(rates(100, 110), rates(130, 120)).toJson();

    JsonObject change = Json.parseObject(json.toBytes(), 1 << 20).objects("changes").get(0);
    assertThat(change.string("figure")).isEqualTo("end_to_end");
    assertThat(change.string("verdict")).isEqualTo("better");
    assertThat(change.bool("overlap")).isFalse();
    assertThat(json.bool("comparable")).isTrue();
  }

  private static Verdict cpu(double a, double b, double c, double d) {
    Results before =
        Samples.results(
            List.of(
                Samples.plain(Samples.NATS, Samples.FAST, 1, 100, a),
                Samples.plain(Samples.NATS, Samples.FAST, 2, 100, b)),
            false,
            null);
    Results after =
        Samples.results(
            List.of(
                Samples.plain(Samples.NATS, Samples.FAST, 1, 100, c),
                Samples.plain(Samples.NATS, Samples.FAST, 2, 100, d)),
            false,
            null);
    return verdict(Comparison.of(before, after), Metric.CPU);
  }

  private static Results rates(double... rates) {
    List<Run> runs = new ArrayList<>();
    for (double rate : rates) {
      runs.add(Samples.plain(Samples.NATS, Samples.FAST, runs.size() + 1, rate, 1.5));
    }
    return Samples.results(runs, false, null);
  }

  private static Comparison.Change change(Comparison comparison, Metric metric) {
    return comparison.changes().stream()
        .filter(c -> c.metric() == metric && c.subject().isOurs())
        .findFirst()
        .orElseThrow();
  }

  private static Verdict verdict(Comparison comparison, Metric metric) {
    return change(comparison, metric).verdict();
  }
}
