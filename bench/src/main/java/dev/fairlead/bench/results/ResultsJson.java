// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes {@code results.json}: one object, whose fields docs/benchmark-results.md explains. It is
 * laid out so that each run stands on a line of its own. Of what was not measured, a run has the
 * field with {@code null}.
 */
public final class ResultsJson {

  private ResultsJson() {}

  /** The whole as one object. */
  public static JsonObject of(Results results) {
    return JsonObject.builder()
        .put("schema", Results.SCHEMA)
        .put("started", results.started().toString())
        .put("tookMs", results.took().toMillis())
        .put("command", results.command())
        .put("seed", results.seed())
        .put("quick", results.quick())
        .put("complete", results.incomplete() == null)
        .putIfPresent("incomplete", results.incomplete())
        .put("machine", machine(results.machine()))
        .put("loadBefore", results.loadBefore())
        .put("loadAfter", results.loadAfter())
        .put("versions", strings(results.versions()))
        .put("configuration", configuration(results))
        .put("notes", results.notes())
        .put("crossChecks", array(results.crossChecks(), ResultsJson::crossCheck))
        .put("failures", array(results.failures(), ResultsJson::failure))
        .put("runs", array(results.runs(), ResultsJson::run))
        .build();
  }

  /** The file's bytes. */
  public static byte[] write(Results results) {
    StringBuilder text = new StringBuilder();
    String before = "{\n";
    for (Map.Entry<String, JsonValue> field : of(results).fields().entrySet()) {
      text.append(before).append('"').append(field.getKey()).append("\": ");
      before = ",\n";
      if (field.getValue() instanceof JsonArray array && !array.isEmpty()) {
        String between = "[\n  ";
        for (JsonValue item : array) {
          text.append(between).append(Json.write(item));
          between = ",\n  ";
        }
        text.append("\n]");
      } else {
        text.append(Json.write(field.getValue()));
      }
    }
    return text.append("\n}\n").toString().getBytes(UTF_8);
  }

  private static JsonObject machine(Machine machine) {
    return JsonObject.builder()
        .put("cpu", machine.cpu())
        .put("cores", machine.cores())
        .put("memoryBytes", machine.memoryBytes())
        .put("system", machine.system())
        .put("kernel", machine.kernel())
        .put("jdk", machine.jdk())
        .build();
  }

  private static JsonObject configuration(Results results) {
    JsonObject.Builder builder = JsonObject.builder();
    results.configuration().forEach((label, settings) -> builder.put(label, strings(settings)));
    return builder.build();
  }

  private static JsonObject strings(Map<String, String> map) {
    JsonObject.Builder builder = JsonObject.builder();
    map.forEach(builder::put);
    return builder.build();
  }

  private static JsonObject crossCheck(CrossCheck check) {
    return JsonObject.builder()
        .put("tool", check.tool())
        .put("command", check.command())
        .put("payloadBytes", check.payloadBytes())
        .put("sent", check.sent())
        .put("received", check.received())
        .put("endToEndPerSecond", check.endToEndPerSecond())
        .build();
  }

  private static JsonObject failure(Failure failure) {
    return begin(failure.subject(), failure.testCase(), failure.repeat())
        .put("why", failure.why())
        .build();
  }

  private static JsonObject.Builder begin(Subject subject, Case testCase, int repeat) {
    String baseline = subject.baseline();
    JsonObject.Builder builder = JsonObject.builder().put("transport", subject.transport());
    return (baseline == null
            ? builder.put("baseline", JsonNull.NULL)
            : builder.put("baseline", baseline))
        .put("scenario", testCase.scenario())
        .put("repeat", repeat)
        .put("payloadBytes", testCase.payloadBytes())
        .put("ratePerSecond", testCase.ratePerSecond())
        .put("agents", testCase.agents());
  }

  private static JsonObject run(Run run) {
    Counts counts = run.counts();
    Rates rates = run.rates();
    int payload = run.testCase().payloadBytes();
    Cost cost = run.cost();
    Recovery recovery = run.recovery();
    Latency latency = run.latency();
    Latency ack = run.ack();
    Integer window = run.window();
    return begin(run.subject(), run.testCase(), run.repeat())
        .put("window", window == null ? JsonNull.NULL : JsonNumber.of(window))
        .put("appended", counts.appended())
        .put("stored", counts.stored())
        .put("lost", counts.lost())
        .put("duplicates", counts.duplicates())
        .put("reordered", counts.reordered())
        .put("refused", counts.refused())
        .put("producerPerSecond", number(rates == null ? null : rates.producerPerSecond()))
        .put("endToEndPerSecond", number(rates == null ? null : rates.endToEndPerSecond()))
        .put("producerMBps", number(rates == null ? null : rates.producerMBps(payload)))
        .put("endToEndMBps", number(rates == null ? null : rates.endToEndMBps(payload)))
        .put("latencyMicros", latency(latency))
        .put("ackMicros", latency(ack))
        .put("cpuSecondsPerMillion", number(cost.cpuSecondsPerMillion().total()))
        .put("cpuSecondsPerMillionOf", split(cost.cpuSecondsPerMillion()))
        .put("peakMemoryBytes", split(cost.peakMemoryBytes()))
        .put("allocatedBytesPerRecord", number(cost.allocatedBytesPerRecord().total()))
        .put("allocatedBytesPerRecordOf", split(cost.allocatedBytesPerRecord()))
        .put("detectMs", number(recovery.detectMs()))
        .put("reconnectMs", number(recovery.reconnectMs()))
        .put("firstRecordMs", number(recovery.firstRecordMs()))
        .put("drainedMs", number(recovery.drainedMs()))
        .put("switchedMs", number(run.change().switchedMs()))
        .put("pauseMicros", pause(run.change()))
        .put("backlog", number(run.change().backlog()))
        .put("loadBefore", run.loadBefore())
        .put("loadAfter", run.loadAfter())
        .put("marked", run.isMarked())
        .put("marks", run.marks())
        .put("latencyCurve", curve(latency))
        .put("ackCurve", curve(ack))
        .put("timeline", timeline(run.timeline()))
        .put("timelineMarks", array(run.timeline().marks(), ResultsJson::mark))
        .put("heapGrowthPerHour", number(run.memory().heapGrowth()))
        .put("agentGrowthPerHour", number(run.memory().agentGrowth()))
        .put("memory", array(run.memory().samples(), ResultsJson::sample))
        .build();
  }

  private static JsonValue latency(@Nullable Latency latency) {
    if (latency == null) {
      return JsonNull.NULL;
    }
    return JsonObject.builder()
        .put("p50", latency.p50())
        .put("p90", latency.p90())
        .put("p99", latency.p99())
        .put("p999", latency.p999())
        .put("max", latency.max())
        .put("mean", latency.mean())
        .put("deviation", latency.deviation())
        .put("count", latency.count())
        .build();
  }

  private static JsonValue pause(Change change) {
    return change.pauseMaxMicros() == null
        ? JsonNull.NULL
        : JsonObject.builder()
            .put("p99", number(change.pauseP99Micros()))
            .put("max", number(change.pauseMaxMicros()))
            .build();
  }

  private static JsonArray curve(@Nullable Latency latency) {
    return array(
        latency == null ? List.of() : latency.curve(),
        point ->
            JsonArray.of(
                List.of(
                    number(point.micros()),
                    number(point.percentile()),
                    JsonNumber.of(point.count()))));
  }

  private static JsonArray timeline(Timeline timeline) {
    return array(
        timeline.points(),
        point ->
            JsonArray.of(List.of(JsonNumber.of(point.millis()), JsonNumber.of(point.stored()))));
  }

  private static JsonObject mark(Timeline.Mark mark) {
    return JsonObject.builder().put("millis", mark.millis()).put("what", mark.what()).build();
  }

  private static JsonArray sample(Memory.Sample sample) {
    return JsonArray.of(
        LongStream.of(
                sample.millis(),
                sample.heapBytes(),
                sample.agentBytes(),
                sample.brokerBytes(),
                sample.collectorBytes())
            .mapToObj(JsonNumber::of)
            .toList());
  }

  private static JsonObject split(Cost.Split split) {
    return JsonObject.builder()
        .put("agent", number(split.agent()))
        .put("broker", number(split.broker()))
        .put("collector", number(split.collector()))
        .build();
  }

  /** A number; what has no form in JSON (not a number, infinite) is as if it were not measured. */
  private static JsonValue number(@Nullable Double value) {
    return value == null || !Double.isFinite(value)
        ? JsonNull.NULL
        : new JsonNumber(Double.toString(value));
  }

  private static <T> JsonArray array(List<T> items, Function<T, ? extends JsonValue> each) {
    return JsonArray.of(items.stream().map(each).toList());
  }
}
