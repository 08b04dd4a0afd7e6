// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes comma-separated values after RFC 4180, with a head, lines ended by a line feed, and
 * figures with a point. What was not measured is empty.
 */
final class Csv {

  private static final Map<String, Function<Run, @Nullable Object>> COLUMNS = columns();

  private Csv() {}

  /** A line for each run. */
  static String runs(Results results) {
    StringBuilder text = new StringBuilder(String.join(",", COLUMNS.keySet())).append('\n');
    for (Run run : results.runs()) {
      List<String> cells = new ArrayList<>();
      COLUMNS.values().forEach(column -> cells.add(cell(column.apply(run))));
      text.append(String.join(",", cells)).append('\n');
    }
    return text.toString();
  }

  /** A line for each look at a run's counter, and for each thing that was done, by time. */
  static String timeline(Results results) {
    StringBuilder text =
        new StringBuilder(
            "transport,baseline,scenario,payloadBytes,ratePerSecond,agents,repeat,millis,stored,mark\n");
    for (Run run : results.runs()) {
      Case c = run.testCase();
      String begin =
          Stream.<Object>of(
                  run.subject().transport(),
                  orEmpty(run.subject().baseline()),
                  c.scenario(),
                  c.payloadBytes(),
                  c.ratePerSecond(),
                  c.agents(),
                  run.repeat())
              .map(Csv::cell)
              .collect(Collectors.joining(",", "", ","));
      List<Timeline.Mark> marks = new ArrayList<>(run.timeline().marks());
      for (Timeline.Point point : run.timeline().points()) {
        while (!marks.isEmpty() && marks.get(0).millis() <= point.millis()) {
          mark(text.append(begin), marks.remove(0));
        }
        text.append(begin).append(point.millis()).append(',').append(point.stored()).append(",\n");
      }
      marks.forEach(mark -> mark(text.append(begin), mark));
    }
    return text.toString();
  }

  private static void mark(StringBuilder text, Timeline.Mark mark) {
    text.append(mark.millis()).append(",,").append(cell(mark.what())).append('\n');
  }

  private static Map<String, Function<Run, @Nullable Object>> columns() {
    Map<String, Function<Run, @Nullable Object>> columns = new LinkedHashMap<>();
    columns.put("transport", run -> run.subject().transport());
    columns.put("baseline", run -> run.subject().baseline());
    columns.put("scenario", run -> run.testCase().scenario());
    columns.put("payloadBytes", run -> run.testCase().payloadBytes());
    columns.put("ratePerSecond", run -> run.testCase().ratePerSecond());
    columns.put("agents", run -> run.testCase().agents());
    columns.put("repeat", Run::repeat);
    columns.put("window", Run::window);
    columns.put("appended", run -> run.counts().appended());
    columns.put("stored", run -> run.counts().stored());
    columns.put("lost", run -> run.counts().lost());
    columns.put("duplicates", run -> run.counts().duplicates());
    columns.put("reordered", run -> run.counts().reordered());
    columns.put("refused", run -> run.counts().refused());
    columns.put("producerPerSecond", Metric.PRODUCER::of);
    columns.put("endToEndPerSecond", Metric.END_TO_END::of);
    columns.put("endToEndMBps", Metric.MEGABYTES::of);
    columns.put("p50Micros", Metric.P50::of);
    columns.put("p90Micros", Metric.P90::of);
    columns.put("p99Micros", Metric.P99::of);
    columns.put("p999Micros", Metric.P999::of);
    columns.put("maxMicros", Metric.MAX::of);
    columns.put("ackP50Micros", Metric.ACK_P50::of);
    columns.put("ackP99Micros", Metric.ACK_P99::of);
    columns.put("cpuSecondsPerMillion", Metric.CPU::of);
    columns.put("cpuSecondsPerMillionAgent", run -> run.cost().cpuSecondsPerMillion().agent());
    columns.put("cpuSecondsPerMillionBroker", run -> run.cost().cpuSecondsPerMillion().broker());
    columns.put(
        "cpuSecondsPerMillionCollector", run -> run.cost().cpuSecondsPerMillion().collector());
    columns.put("peakBytesAgent", run -> run.cost().peakMemoryBytes().agent());
    columns.put("peakBytesBroker", run -> run.cost().peakMemoryBytes().broker());
    columns.put("peakBytesCollector", run -> run.cost().peakMemoryBytes().collector());
    columns.put("allocatedBytesPerRecord", Metric.ALLOCATED::of);
    columns.put("detectMs", Metric.DETECT::of);
    columns.put("reconnectMs", Metric.RECONNECT::of);
    columns.put("firstRecordMs", Metric.FIRST::of);
    columns.put("drainedMs", Metric.DRAINED::of);
    columns.put("switchedMs", Metric.SWITCHED::of);
    columns.put("pauseP99Micros", Metric.PAUSE_P99::of);
    columns.put("pauseMaxMicros", Metric.PAUSE_MAX::of);
    columns.put("backlog", Metric.BACKLOG::of);
    columns.put("heapGrowthPerHour", Metric.HEAP_GROWTH::of);
    columns.put("agentGrowthPerHour", Metric.AGENT_GROWTH::of);
    columns.put("loadBefore", Run::loadBefore);
    columns.put("loadAfter", Run::loadAfter);
    columns.put("marks", run -> String.join(" ", run.marks()));
    return columns;
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static String cell(@Nullable Object value) {
    if (value == null) {
      return "";
    }
    if (value instanceof Double number) {
      return String.format(Locale.ROOT, "%.3f", number);
    }
    String text = value.toString();
    // A spreadsheet would take these for a formula.
    if (!text.isEmpty() && "=+-@\t\r".indexOf(text.charAt(0)) >= 0 && !(value instanceof Number)) {
      text = "'" + text;
    }
    return text.matches("[^,\"\\r\\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
