// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The bundle of an agent's transport is changed while it says up to 20 000 lines a second, through
 * the command and the API, with a real broker or hub; the agent is a process of its own.
 */
final class GuestBundleIT {

  private static final String LOADER =
      "org.apache.felix.framework.BundleWiringImpl$BundleClassLoader";

  /** The JVM keeps one or the other for a while: by soft references, by code it has compiled. */
  private static final int HELD_BY_THE_JVM = 2;

  private static final Map<String, String> NO_ACTIVATOR =
      Map.of("Bundle-Activator", "no.such.Activator");
  private static final Map<String, String> NO_IMPORT = Map.of("Require-Bundle", "no.such.bundle");

  @TempDir Path folder;

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofMinutes(2)); // a busy machine is late
  }

  @AfterAll
  static void reset() {
    Awaitility.reset();
  }

  @ParameterizedTest(name = "{0}, {1} times")
  @CsvSource({"nats,4", "mqtt,2", "vsock,2"})
  void anAgentTakesWhatIsMeasuredWhileItsLinesFlow(String transport, int times) throws Exception {
    Path own = Bundles.named("transport-" + transport);
    List<byte[]> good = new ArrayList<>();
    for (int i = 1; i <= times; i++) {
      good.add(NewerJar.of(own, "0.1." + i, Map.of()));
    }
    byte[] unstarted = NewerJar.of(own, "0.2.0", NO_ACTIVATOR);
    byte[] unresolved = NewerJar.of(own, "0.2.1", NO_IMPORT);
    byte[] foreign = NewerJar.of(own, "0.2.2", Map.of());
    List<byte[]> measured = new ArrayList<>(good);
    measured.addAll(List.of(unstarted, unresolved));

    Path work = Files.createDirectories(folder.resolve("run"));
    Path up = Files.createDirectories(folder.resolve("host"));
    try (HostUp host = HostUp.withProcesses(up, transport, FlowingGuest.measured(measured));
        FlowingGuest flow = FlowingGuest.start(work, host, transport, 1000)) {
      flow.awaitMore();
      assertThat(flow.version()).isEqualTo("0.1.0");
      long agent = agent(up);
      int loaders = loaders(agent);

      flow.refuses(foreign, "0.2.2", "not-measured");
      flow.refuses(unstarted, "0.2.0", "not-started");
      Path json = folder.resolve("update.json");
      assertThat(flow.bring(unresolved, json)).isEqualTo(1);
      assertThat(said(json).string("code")).isEqualTo("not-resolved");
      assertThat(said(json).string("message")).contains("no.such.bundle");

      assertThat(flow.bring(good.get(0), json)).isZero();
      assertThat(said(json).string("state")).isEqualTo("done");
      assertThat(flow.version()).isEqualTo("0.1.1");
      flow.awaitMore();
      flow.refuses(good.get(0), "0.1.1", "not-newer");
      for (int i = 2; i <= times; i++) {
        JsonObject change = flow.change(good.get(i - 1), "0.1." + i);
        assertThat(change.string("state")).as(change.toString()).isEqualTo("done");
        assertThat(change.string("from")).isEqualTo("0.1." + (i - 1));
        assertThat(change.integer("othersRefreshed", 0, 1000)).isZero();
        assertThat(flow.version()).isEqualTo("0.1." + i);
        flow.awaitMore();
      }
      await()
          .pollInterval(Duration.ofSeconds(2))
          .untilAsserted(
              () ->
                  assertThat(loaders(agent))
                      .as("class loaders of bundles")
                      .isLessThanOrEqualTo(loaders + HELD_BY_THE_JVM));

      flow.end();
      flow.requireAllLines();
      assertThat(flow.events("Completed")).isEqualTo(times);
      assertThat(flow.events("Failed")).isEqualTo(4);
    }
  }

  /** It is stopped before it can hear of the order, so that it surely dies with it. */
  @Test
  void anAgentThatIsKilledInTheMiddleEndsTheChange() throws Exception {
    byte[] jar = NewerJar.of(Bundles.named("transport-nats"), "0.1.1", Map.of());
    Path work = Files.createDirectories(folder.resolve("run"));
    Path up = Files.createDirectories(folder.resolve("host"));
    try (HostUp host = HostUp.withProcesses(up, "nats", FlowingGuest.measured(List.of(jar)));
        FlowingGuest flow = FlowingGuest.start(work, host, "nats", 100)) {
      flow.awaitMore();
      long agent = agent(up);
      signal("STOP", agent);
      String command = flow.begin(jar, "0.1.1");
      signal("KILL", agent);
      JsonObject change = flow.outcome();
      assertThat(change.string("command")).isEqualTo(command);
      assertThat(change.string("state")).isEqualTo("failed");
      assertThat(change.string("code")).as(change.toString()).isEqualTo("agent-gone");
    }
  }

  private static JsonObject said(Path json) throws IOException {
    List<JsonObject> changes =
        Json.parseObject(Files.readAllBytes(json), 1 << 20).objects("changes");
    assertThat(changes).hasSize(1);
    return changes.get(0);
  }

  private static void signal(String signal, long pid) throws IOException, InterruptedException {
    assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor())
        .isZero();
  }

  /** The agent's process: it has a launcher for its deployment, in the host's home. */
  private static long agent(Path up) {
    List<String> agents =
        FairleadCommand.processesNaming(up).stream()
            .filter(line -> line.contains("agent.deployment"))
            .filter(line -> line.contains("dev.fairlead.launcher.Main"))
            .toList();
    assertThat(agents).hasSize(1);
    return Long.parseLong(agents.get(0).split(" ", 2)[0]);
  }

  /** How many class loaders of bundles a JVM holds, after a collection. */
  private static int loaders(long pid) throws IOException, InterruptedException {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/jcmd").toString(),
                Long.toString(pid),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String said = new String(jcmd.getInputStream().readAllBytes(), UTF_8);
    assertThat(jcmd.waitFor()).as(said).isZero();
    return said.lines()
        .map(String::strip)
        .filter(line -> line.contains(" " + LOADER + " ") || line.endsWith(" " + LOADER))
        .map(line -> Integer.parseInt(line.split("\\s+", -1)[1]))
        .findFirst()
        .orElseThrow(() -> new AssertionError("No class loader of a bundle in: " + said));
  }
}
