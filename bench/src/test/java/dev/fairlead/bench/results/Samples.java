// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Made-up results, the same each time. */
final class Samples {

  static final Subject NATS = Subject.ours("nats");
  static final Subject JNATS = Subject.baseline("nats", "jnats-core");
  static final Subject JETSTREAM = Subject.baseline("nats", "jnats-jetstream-file");
  static final Case FAST = new Case(Scenarios.MAX_RATE, 200, 0, 1);
  static final Case STEADY = new Case(Scenarios.FIXED_RATE, 200, 2000, 1);
  static final Case CRASH = new Case(Scenarios.CRASH, 200, 1000, 1);

  static final Machine MACHINE =
      new Machine("Made-up CPU 3", 2, 24L << 30, "Debian GNU/Linux 12", "Linux 6.1", "A 17.0.15");

  private Samples() {}

  /** Three transports, six baselines, seven scenarios, three repeats. */
  static Results whole() {
    Random random = new Random(7);
    List<Run> runs = new ArrayList<>();
    for (int repeat = 1; repeat <= 3; repeat++) {
      for (int payload : new int[] {200, 2000}) {
        Case fast = new Case(Scenarios.MAX_RATE, payload, 0, 1);
        double less = payload == 200 ? 1 : 0.13;
        runs.add(fast(NATS, fast, repeat, 1_213_000 * less, 1.38, random));
        runs.add(fast(JNATS, fast, repeat, 910_000 * less, 1.7, random));
        runs.add(fast(JETSTREAM, fast, repeat, 79_000 * less, 21, random));
        runs.add(fast(Subject.ours("mqtt"), fast, repeat, 1_310_000 * less, 1.21, random));
        runs.add(
            fast(Subject.baseline("mqtt", "paho-qos0"), fast, repeat, 51_000 * less, 23, random));
        runs.add(fast(Subject.ours("mqtt-qos1"), fast, repeat, 880_000 * less, 1.58, random));
        runs.add(
            fast(
                Subject.baseline("mqtt-qos1", "paho-qos1"),
                fast,
                repeat,
                38_900 * less,
                31,
                random));
        runs.add(fast(Subject.ours("vsock"), fast, repeat, 1_620_000 * less, 0.97, random));
        runs.add(
            fast(
                Subject.baseline("vsock", "unix-stream"),
                fast,
                repeat,
                1_040_000 * less,
                1.1,
                random));
      }
      runs.add(steady(NATS, repeat, 112, random));
      runs.add(steady(JNATS, repeat, 93, random));
      runs.add(steady(Subject.ours("mqtt"), repeat, 121, random));
      runs.add(steady(Subject.baseline("mqtt", "paho-qos0"), repeat, 95, random));
      runs.add(steady(Subject.ours("vsock"), repeat, 21, random));
      runs.add(steady(Subject.baseline("vsock", "unix-stream"), repeat, 16, random));
      for (String scenario : new String[] {Scenarios.CRASH, Scenarios.STALL}) {
        Case broken = new Case(scenario, 200, 1000, 1);
        runs.add(broken(NATS, broken, repeat, 62, 0, random));
        runs.add(broken(JNATS, broken, repeat, 53, 2, random));
        runs.add(broken(Subject.ours("mqtt"), broken, repeat, 330, 0, random));
        runs.add(broken(Subject.ours("vsock"), broken, repeat, 41, 0, random));
      }
      runs.add(steady(NATS, new Case(Scenarios.MANY_AGENTS, 200, 100, 1000), repeat, 2100, random));
    }
    runs.add(soaked(NATS, random));
    for (String road : new String[] {"nats-to-mqtt", "mqtt-to-vsock", "vsock-to-nats"}) {
      for (int repeat = 1; repeat <= 3; repeat++) {
        runs.add(changed(road, repeat, random));
      }
    }
    return results(runs, false, null);
  }

  private static Run changed(String road, int repeat, Random random) {
    double factor = 0.8 + random.nextDouble() * 0.5;
    return new Run(
        Subject.ours(road),
        new Case(Scenarios.SWAP, 200, 20_000, 1),
        repeat,
        null,
        new Counts(300_000, 300_000, 0, 0, 0, 0),
        null,
        null,
        null,
        Cost.NONE,
        new Recovery(null, null, 95 * factor, 140 * factor),
        new Change(80 * factor, 3.1 * factor, 900 * factor, 2_100 * factor),
        Timeline.NONE,
        Memory.NONE,
        0.3,
        0.4,
        List.of());
  }

  /** An hour in which the heap grows by 2 kB a minute. */
  private static Run soaked(Subject subject, Random random) {
    Run plain = plain(subject, new Case(Scenarios.SOAK, 200, 0, 1), 1, 600_000, 1.5);
    List<Memory.Sample> samples = new ArrayList<>();
    for (int minute = 0; minute <= 60; minute++) {
      samples.add(
          new Memory.Sample(
              20_000 + minute * 60_000L,
              12_000_000 + minute * 2_000L + random.nextInt(50_000),
              410_000_000 + random.nextInt(3_000_000),
              31_000_000,
              300_000_000));
    }
    return new Run(
        plain.subject(),
        plain.testCase(),
        1,
        plain.window(),
        plain.counts(),
        plain.rates(),
        null,
        null,
        plain.cost(),
        Recovery.NONE,
        Change.NONE,
        Timeline.NONE,
        new Memory(samples),
        0.3,
        0.4,
        List.of());
  }

  /** A few runs of one transport and two baselines. */
  static Results small() {
    List<Run> runs = new ArrayList<>();
    double[] ours = {1_000_000, 1_200_000, 1_100_000};
    double[] raw = {210_000, 190_000, 200_000};
    for (int i = 0; i < 3; i++) {
      runs.add(plain(NATS, FAST, i + 1, ours[i], 1.4 + i * 0.05));
      runs.add(plain(JETSTREAM, FAST, i + 1, raw[i], 12));
    }
    Run marked = runs.get(5).marked("The machine's load was 3.10 before it.");
    runs.set(5, marked);
    return results(runs, true, null);
  }

  static Results results(List<Run> runs, boolean quick, @Nullable String incomplete) {
    return new Results(
        Instant.parse("2026-11-22T12:00:00Z"),
        Duration.ofSeconds(741),
        "fairlead bench --out DIR",
        7,
        quick,
        incomplete,
        MACHINE,
        0.12,
        1.98,
        Map.of(
            "fairlead", "0.1.0", "nats-server", "2.9.10", "mosquitto", "2.0.11", "jnats", "2.26.2"),
        Map.of("common", Map.of("sync", "5 ms"), "nats", Map.of("batch", "64 KiB", "tls", "on")),
        List.of("All processes ran on one machine and shared its processors."),
        List.of(
            new CrossCheck(
                "mosquitto_pub 2.0.11", "mosquitto_pub -l -q 0", 200, 500_000, 500_000, 207_000)),
        List.of(new Failure(NATS, CRASH, 2, "The broker did not start again within 10 s.")),
        runs);
  }

  static Run plain(Subject subject, Case testCase, int repeat, double rate, double cpu) {
    return new Run(
        subject,
        testCase,
        repeat,
        20_000,
        new Counts((long) (rate * 4), (long) (rate * 4), 0, 0, 0, 0),
        new Rates(rate * 1.01, rate),
        null,
        null,
        new Cost(
            new Cost.Split(cpu * 0.5, cpu * 0.2, cpu * 0.3),
            new Cost.Split(210e6, 31e6, 260e6),
            new Cost.Split(610.0, null, 95.0)),
        Recovery.NONE,
        Change.NONE,
        Timeline.NONE,
        Memory.NONE,
        0.2,
        1.9,
        List.of());
  }

  private static Run fast(
      Subject subject, Case testCase, int repeat, double rate, double cpu, Random random) {
    double factor = 0.92 + random.nextDouble() * 0.16;
    return plain(subject, testCase, repeat, rate * factor, cpu / factor);
  }

  private static Run steady(Subject subject, int repeat, double p50, Random random) {
    return steady(subject, STEADY, repeat, p50, random);
  }

  private static Run steady(Subject subject, Case testCase, int repeat, double p50, Random random) {
    return new Run(
        subject,
        testCase,
        repeat,
        null,
        new Counts(20_000, 20_000, 0, 0, 0, 0),
        new Rates(2000, 2000),
        latency(p50, random),
        subject.isOurs() ? latency(p50 + 3200, random) : null,
        Cost.NONE,
        Recovery.NONE,
        Change.NONE,
        Timeline.NONE,
        Memory.NONE,
        0.3,
        0.4,
        List.of());
  }

  static Latency latency(double p50Micros, Random random) {
    Histogram nanos = new Histogram(3);
    for (int i = 0; i < 20_000; i++) {
      nanos.recordValue(
          (long) (p50Micros * 1000 * Math.exp(Math.abs(random.nextGaussian()) - 0.67)));
    }
    for (int i = 0; i < 150; i++) {
      nanos.recordValue((long) (p50Micros * 1000 * (2 + 30 * random.nextDouble())));
    }
    return Latency.ofNanos(nanos);
  }

  static Run broken(
      Subject subject, Case testCase, int repeat, double first, long lost, Random random) {
    double factor = 0.8 + random.nextDouble() * 0.5;
    List<Timeline.Point> points = new ArrayList<>();
    long stored = 0;
    for (int millis = 0; millis <= 9000; millis += 100) {
      boolean down = millis > 3000 && millis < 5000 + first * factor;
      boolean catching = millis >= 5000 + first * factor && millis < 5600;
      stored += down ? 0 : catching ? 450 : 100;
      points.add(new Timeline.Point(millis, stored));
    }
    return new Run(
        subject,
        testCase,
        repeat,
        null,
        new Counts(9000, 9000 - lost, lost, 0, 0, 0),
        null,
        null,
        null,
        Cost.NONE,
        new Recovery(4 * factor, first * factor * 0.8, first * factor, 480 * factor),
        Change.NONE,
        new Timeline(
            points,
            List.of(
                new Timeline.Mark(5000, "broker started"),
                new Timeline.Mark(3000, "broker killed"),
                new Timeline.Mark(5100, "first record"))),
        Memory.NONE,
        0.3,
        0.4,
        List.of());
  }
}
