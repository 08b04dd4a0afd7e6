// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** What a reader of the results must know of how they came about. */
final class Facts {

  private static final int MOST = 4096;

  private Facts() {}

  /** Versions of everything that takes part. */
  static Map<String, String> versions(List<Path> libraries) {
    Map<String, String> versions = new TreeMap<>();
    versions.put("java", Runtime.version().toString());
    versions.put("nats-server", first("nats-server", "-v").replaceFirst("^nats-server: v", ""));
    versions.put("mosquitto", first("mosquitto", "-h").replaceFirst("^mosquitto version ", ""));
    for (Path jar : libraries) {
      String file = String.valueOf(jar.getFileName()).replaceFirst("\\.jar$", "");
      int dash = file.lastIndexOf('-');
      if (dash > 0) {
        versions.put(file.substring(0, dash), file.substring(dash + 1));
      }
    }
    return versions;
  }

  /** The first line that a program says of itself. */
  static String first(String program, String option) {
    Process process = null;
    try {
      process =
          new ProcessBuilder(ServerProcess.find(null, program, "install it").toString(), option)
              .redirectErrorStream(true)
              .start();
      String said = new String(process.getInputStream().readNBytes(MOST), UTF_8);
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        return "unknown";
      }
      return said.lines().findFirst().orElse("unknown").strip();
    } catch (IOException | TransportException e) {
      return "absent";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "unknown";
    } finally {
      if (process != null) {
        process.destroyForcibly();
      }
    }
  }

  /** How everybody is configured. */
  static Map<String, Map<String, String>> configuration(Scale scale, List<String> jvm) {
    Map<String, Map<String, String>> all = new TreeMap<>();
    all.put(
        "common",
        Map.of(
            "jvm",
            String.join(" ", jvm),
            "warm-up",
            scale.warmUp() + " to " + scale.mostWarmUp() + " s, until compilers rest",
            "measured",
            scale.measured() + " s",
            "processes",
            "agent, broker or hub, and collector, one each, on one machine"));
    all.put("nats", ours("TLS, user JWT, core NATS"));
    all.put("mqtt", ours("TLS, dynamic security, batches at QoS 0"));
    all.put("mqtt-qos1", ours("TLS, dynamic security, batches at QoS 1"));
    all.put("vsock", ours("hybrid: the UNIX socket of a VM, hub as a process of its own"));
    for (RawClients each : RawClients.values()) {
      all.put(
          each.label(),
          Map.of(
              "window",
              each.window() + " records",
              "wire",
              (each.isEncrypted() ? "TLS" : "plain") + ", one message for each record"));
    }
    return all;
  }

  private static Map<String, String> ours(String wire) {
    return Map.of(
        "wire", wire,
        "stream", "8 MiB under way, 32 MiB held, batches up to 64 KiB, 200 µs between flushes",
        "store", "a sync at least every 5 ms, acknowledged when synced");
  }

  /** Sentences that a reader must know. */
  static List<String> notes() {
    return List.of(
        "Ours stores each record exactly once in synced files before it is acknowledged; baselines"
            + " receive, count and keep nothing.",
        "Ours runs over NATS and MQTT with TLS and rights, as it is deployed; baselines without"
            + " rights, and with TLS only where their name says so.",
        "The latency of ours is until a record is written by the collector, of baselines until it"
            + " is received.",
        "At fixed rates senders spin for the last 90 µs before a record, which counts as their CPU"
            + " time.");
  }
}
