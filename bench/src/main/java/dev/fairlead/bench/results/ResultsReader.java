// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code results.json}, and believes nothing: the file may have come from anywhere. Fields
 * that it does not know are passed over, so that a later version may add some; another {@code
 * schema} is refused. Figures that follow from others (MB/s, totals, {@code marked}) are worked out
 * again, not read.
 */
public final class ResultsReader {

  /** The most bytes that a file may have. */
  public static final int MAX_BYTES = 64 << 20;

  /** The most runs. */
  public static final int MAX_RUNS = 10_000;

  /** The most points of a curve or a timeline. */
  public static final int MAX_POINTS = 100_000;

  private static final int MAX_ITEMS = 1_000;
  private static final int MAX_TEXT = 4_000;
  private static final int MAX_AGENTS = 1_000_000;
  private static final int MAX_PAYLOAD = 1 << 30;
  private static final double MAX_FIGURE = 1e18;
  private static final long MAX_COUNT = Long.MAX_VALUE / MAX_RUNS;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  private ResultsReader() {}

  /**
   * Reads a file.
   *
   * @throws IOException when it cannot be read
   * @throws ProtocolException when it holds no results; its message says where and what
   */
  public static Results read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return parse(in.readNBytes(MAX_BYTES + 1));
    }
  }

  /**
   * Reads the bytes of a file.
   *
   * @throws ProtocolException when they are no results; its message says where and what
   */
  public static Results parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    long schema = json.integer("schema", 0, Integer.MAX_VALUE);
    if (schema != Results.SCHEMA) {
      throw new ProtocolException(
          "unknown-schema",
          "The results have schema %d; this version reads %d: use the Fairlead that wrote them."
              .formatted(schema, Results.SCHEMA));
    }
    boolean complete = json.bool("complete");
    return new Results(
        instant(json, "started"),
        Duration.ofMillis(json.integer("tookMs", 0, Duration.ofDays(3650).toMillis())),
        json.string("command", MAX_TEXT),
        json.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
        json.bool("quick"),
        complete ? null : json.string("incomplete", MAX_TEXT),
        machine(json.object("machine")),
        load(json, "loadBefore"),
        load(json, "loadAfter"),
        strings(json.object("versions")),
        configuration(json.object("configuration")),
        texts(json, "notes"),
        objects(json, "crossChecks", MAX_ITEMS).stream().map(ResultsReader::crossCheck).toList(),
        objects(json, "failures", MAX_RUNS).stream().map(ResultsReader::failure).toList(),
        objects(json, "runs", MAX_RUNS).stream().map(ResultsReader::run).toList());
  }

  private static Machine machine(JsonObject json) {
    return new Machine(
        json.string("cpu", MAX_TEXT),
        (int) json.integer("cores", 1, 1_000_000),
        json.integer("memoryBytes", 0, Long.MAX_VALUE),
        json.string("system", MAX_TEXT),
        json.string("kernel", MAX_TEXT),
        json.string("jdk", MAX_TEXT));
  }

  private static CrossCheck crossCheck(JsonObject json) {
    return new CrossCheck(
        json.string("tool", MAX_TEXT),
        json.string("command", MAX_TEXT),
        (int) json.integer("payloadBytes", 0, MAX_PAYLOAD),
        json.integer("sent", 0, MAX_COUNT),
        json.integer("received", 0, MAX_COUNT),
        figure(json, "endToEndPerSecond"));
  }

  private static Failure failure(JsonObject json) {
    return new Failure(subject(json), testCase(json), repeat(json), json.string("why", MAX_TEXT));
  }

  private static Run run(JsonObject json) {
    OptionalLong window = json.optionalInteger("window", 1, Integer.MAX_VALUE);
    return new Run(
        subject(json),
        testCase(json),
        repeat(json),
        window.isPresent() ? (Integer) (int) window.getAsLong() : null,
        new Counts(
            count(json, "appended"),
            count(json, "stored"),
            count(json, "lost"),
            count(json, "duplicates"),
            count(json, "reordered"),
            count(json, "refused")),
        rates(json),
        latency(json, "latencyMicros", "latencyCurve"),
        latency(json, "ackMicros", "ackCurve"),
        new Cost(
            split(json, "cpuSecondsPerMillionOf"),
            split(json, "peakMemoryBytes"),
            split(json, "allocatedBytesPerRecordOf")),
        new Recovery(
            optional(json, "detectMs"),
            optional(json, "reconnectMs"),
            optional(json, "firstRecordMs"),
            optional(json, "drainedMs")),
        change(json),
        timeline(json),
        memory(json),
        load(json, "loadBefore"),
        load(json, "loadAfter"),
        texts(json, "marks"));
  }

  private static Subject subject(JsonObject json) {
    String baseline = json.optionalString("baseline").isEmpty() ? null : name(json, "baseline");
    return new Subject(name(json, "transport"), baseline);
  }

  private static Case testCase(JsonObject json) {
    return new Case(
        name(json, "scenario"),
        (int) json.integer("payloadBytes", 0, MAX_PAYLOAD),
        json.integer("ratePerSecond", 0, Integer.MAX_VALUE),
        (int) json.integer("agents", 1, MAX_AGENTS));
  }

  private static int repeat(JsonObject json) {
    return (int) json.integer("repeat", 1, MAX_RUNS);
  }

  private static @Nullable Rates rates(JsonObject json) {
    Double producer = optional(json, "producerPerSecond");
    Double endToEnd = optional(json, "endToEndPerSecond");
    if (producer == null && endToEnd == null) {
      return null;
    }
    if (producer == null || endToEnd == null) {
      throw json.refuse(
          producer == null ? "producerPerSecond" : "endToEndPerSecond",
          "is missing: give both rates, or none.");
    }
    return new Rates(producer, endToEnd);
  }

  private static @Nullable Latency latency(JsonObject json, String name, String curveName) {
    JsonObject figures = json.optionalObject(name).orElse(null);
    if (figures == null) {
      return null;
    }
    List<Latency.Point> curve = new ArrayList<>();
    double before = 0;
    for (double[] point : points(json, curveName, 3)) {
      if (point[1] < before || point[1] > 100) {
        throw json.refuse(curveName, "must have percentiles that rise from 0 to 100.");
      }
      before = point[1];
      curve.add(new Latency.Point(point[0], point[1], (long) point[2]));
    }
    return new Latency(
        count(figures, "count"),
        figure(figures, "mean"),
        figure(figures, "deviation"),
        figure(figures, "p50"),
        figure(figures, "p90"),
        figure(figures, "p99"),
        figure(figures, "p999"),
        figure(figures, "max"),
        curve);
  }

  private static Change change(JsonObject json) {
    JsonObject pause = json.optionalObject("pauseMicros").orElse(null);
    return new Change(
        optional(json, "switchedMs"),
        pause == null ? null : optional(pause, "p99"),
        pause == null ? null : optional(pause, "max"),
        optional(json, "backlog"));
  }

  private static Timeline timeline(JsonObject json) {
    List<Timeline.Point> points = new ArrayList<>();
    double before = 0;
    for (double[] point : points(json, "timeline", 2)) {
      if (point[0] < before) {
        throw json.refuse("timeline", "must have times that rise.");
      }
      before = point[0];
      points.add(new Timeline.Point((long) point[0], (long) point[1]));
    }
    List<Timeline.Mark> marks =
        objects(json, "timelineMarks", MAX_ITEMS).stream()
            .map(
                mark ->
                    new Timeline.Mark(
                        mark.integer("millis", 0, Integer.MAX_VALUE),
                        mark.string("what", MAX_TEXT)))
            .toList();
    return new Timeline(points, marks);
  }

  private static Memory memory(JsonObject json) {
    return new Memory(
        points(json, "memory", 5).stream()
            .map(
                at ->
                    new Memory.Sample(
                        (long) at[0], (long) at[1], (long) at[2], (long) at[3], (long) at[4]))
            .toList());
  }

  /** An array of arrays of so many numbers, none below 0. */
  private static List<double[]> points(JsonObject json, String name, int width) {
    JsonArray array = json.optionalArray(name).orElse(JsonArray.of(List.of()));
    bound(json, name, array.size(), MAX_POINTS);
    List<double[]> points = new ArrayList<>(array.size());
    for (JsonValue item : array) {
      if (!(item instanceof JsonArray point) || point.size() != width) {
        throw json.refuse(name, "must hold arrays of %d numbers.".formatted(width));
      }
      double[] numbers = new double[width];
      for (int i = 0; i < width; i++) {
        numbers[i] = point.get(i) instanceof JsonNumber number ? number.asDouble() : -1;
        if (!isFigure(numbers[i])) {
          throw json.refuse(name, "must hold arrays of %d numbers from 0.".formatted(width));
        }
      }
      points.add(numbers);
    }
    return points;
  }

  private static Cost.Split split(JsonObject json, String name) {
    JsonObject split = json.optionalObject(name).orElse(null);
    return split == null
        ? Cost.Split.NONE
        : new Cost.Split(
            optional(split, "agent"), optional(split, "broker"), optional(split, "collector"));
  }

  private static String name(JsonObject json, String field) {
    String name = json.string(field, MAX_TEXT);
    if (!NAME.matcher(name).matches()) {
      throw json.refuse(field, "must be a name of at most 64 letters, digits, '.', '_' and '-'.");
    }
    return name;
  }

  private static Instant instant(JsonObject json, String name) {
    try {
      return Instant.parse(json.string(name, MAX_TEXT));
    } catch (DateTimeException e) {
      throw json.refuse(name, "must be a time such as 2026-11-22T12:00:00Z.");
    }
  }

  private static long count(JsonObject json, String name) {
    return json.integer(name, 0, MAX_COUNT);
  }

  private static double figure(JsonObject json, String name) {
    double value = json.number(name).asDouble();
    if (!isFigure(value)) {
      throw json.refuse(name, String.format(Locale.ROOT, "must be from 0 to %.0e.", MAX_FIGURE));
    }
    return value;
  }

  private static @Nullable Double optional(JsonObject json, String name) {
    return json.optionalNumber(name).isEmpty() ? null : (Double) figure(json, name);
  }

  /** A load: -1 means that the system did not say. */
  private static double load(JsonObject json, String name) {
    double value = json.number(name).asDouble();
    if (!(value >= -1 && value <= MAX_FIGURE)) {
      throw json.refuse(name, "must be a load, or -1 where it is not known.");
    }
    return value;
  }

  private static boolean isFigure(double value) {
    return value >= 0 && value <= MAX_FIGURE;
  }

  private static List<String> texts(JsonObject json, String name) {
    List<String> texts = json.strings(name);
    bound(json, name, texts.size(), MAX_ITEMS);
    for (String text : texts) {
      checkText(json, name, text);
    }
    return texts;
  }

  private static Map<String, String> strings(JsonObject json) {
    bound(json, "", json.names().size(), MAX_ITEMS);
    Map<String, String> strings = new TreeMap<>();
    for (String name : json.names()) {
      strings.put(name, json.string(name, MAX_TEXT));
    }
    return strings;
  }

  private static Map<String, Map<String, String>> configuration(JsonObject json) {
    bound(json, "", json.names().size(), MAX_ITEMS);
    Map<String, Map<String, String>> configuration = new TreeMap<>();
    for (String label : json.names()) {
      configuration.put(label, strings(json.object(label)));
    }
    return configuration;
  }

  private static List<JsonObject> objects(JsonObject json, String name, int most) {
    JsonArray array = json.array(name);
    bound(json, name, array.size(), most);
    return array.objects();
  }

  private static void checkText(JsonObject json, String name, String text) {
    if (text.length() > MAX_TEXT) {
      throw json.refuse(name, "has a text of more than %d characters.".formatted(MAX_TEXT));
    }
  }

  private static void bound(JsonObject json, String name, int size, int most) {
    if (size > most) {
      throw json.refuse(name, "has %d items; %d is the most.".formatted(size, most));
    }
  }
}
