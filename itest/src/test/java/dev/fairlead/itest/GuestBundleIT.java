// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The bundle of an agent's transport is changed while it says 20 000 lines a second, through the
 * command and the API, with a real broker; the agent is a process of its own.
 */
final class GuestBundleIT {

  private static final String BUNDLE = "dev.fairlead.transport.nats";
  private static final String LOADER =
      "org.apache.felix.framework.BundleWiringImpl$BundleClassLoader";

  /** The JVM keeps one or the other for a while: by soft references, by code it has compiled. */
  private static final int HELD_BY_THE_JVM = 2;

  /** Says numbered lines, 1000 each 50 ms, until there is a file; then how many there were. */
  private static final String ALGORITHM =
      """
      #!/bin/sh
      n=0
      while [ ! -e %s ]; do
        seq $((n + 1)) $((n + 1000)) | sed 's/^/line /'
        n=$((n + 1000))
        sleep 0.05
      done
      echo "said $n"
      echo $n > results/said
      """;

  private static final String RUN =
      """
      {"computation":{"id":"flow","name":"Lines","ttl":1800,"timeout":"20m0s"},
       "algorithm":{"file":"algorithm.sh","kind":"bin"},"datasets":[]}
      """;

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofMinutes(2)); // a busy machine is late
  }

  @Test
  void anAgentTakesWhatIsMeasuredWhileItsLinesFlow() throws Exception {
    Path own = Bundles.named("transport-nats");
    List<byte[]> good = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      good.add(NewerJar.of(own, "0.1." + i, Map.of()));
    }
    byte[] broken = NewerJar.of(own, "0.2.0", Map.of("Bundle-Activator", "no.such.Activator"));
    byte[] foreign = NewerJar.of(own, "0.2.1", Map.of());
    List<String> measured = new ArrayList<>(good.stream().map(GuestBundleIT::sha256).toList());
    measured.add(sha256(broken));

    Path stop = folder.resolve("stop");
    Path work = Files.createDirectories(folder.resolve("run"));
    Files.writeString(work.resolve("algorithm.sh"), ALGORITHM.formatted(stop));
    Path run = Files.writeString(work.resolve("run.json"), RUN);
    Path up = Files.createDirectories(folder.resolve("host"));
    try (HostUp host = HostUp.start(up, "--set", "vm.bundles=" + String.join(",", measured));
        FairleadCommand flow =
            FairleadCommand.start(
                work,
                "run",
                run.toString(),
                "--quiet",
                "--manager",
                host.managerUrl(),
                "--computations",
                host.computationsUrl(),
                "--output",
                work.resolve("result.zip").toString())) {
      awaitMore(host);
      assertThat(version(host)).isEqualTo("0.1.0");
      long agent = agent(up);
      int loaders = loaders(agent);

      refused(host, foreign, "0.2.1", "not-measured");
      refused(host, broken, "0.2.0", "not-started");
      assertThat(version(host)).isEqualTo("0.1.0");

      bringByCommand(host, good.get(0));
      assertThat(version(host)).isEqualTo("0.1.1");
      awaitMore(host);
      refused(host, good.get(0), "0.1.1", "not-newer");
      for (int i = 2; i <= good.size(); i++) {
        JsonObject change = change(host, good.get(i - 1), "0.1." + i);
        assertThat(change.string("state")).as(change.toString()).isEqualTo("done");
        assertThat(change.string("from")).isEqualTo("0.1." + (i - 1));
        assertThat(change.integer("othersRefreshed", 0, 1000)).isZero();
        assertThat(version(host)).isEqualTo("0.1." + i);
        awaitMore(host);
      }
      await()
          .pollInterval(Duration.ofSeconds(2))
          .untilAsserted(
              () ->
                  assertThat(loaders(agent))
                      .as("class loaders of bundles")
                      .isLessThanOrEqualTo(loaders + HELD_BY_THE_JVM));

      Files.createFile(stop);
      assertThat(flow.await(5)).as(flow.said() + host.command().said()).isZero();
      requireAllLines(host);
      List<String> events = events(host);
      assertThat(events).filteredOn(line -> line.contains("\"Completed\"")).hasSize(5);
      assertThat(events).filteredOn(line -> line.contains("\"Failed\"")).hasSize(3);
    }
  }

  private void bringByCommand(HostUp host, byte[] jar) throws Exception {
    Path file = Files.write(folder.resolve("newer.jar"), jar);
    Path json = folder.resolve("newer.json");
    try (FairleadCommand bring =
        FairleadCommand.start(
            folder,
            "bundles",
            "update",
            file.toString(),
            "--sha256",
            sha256(jar),
            "--computation",
            "flow",
            "--computations",
            host.computationsUrl(),
            "--json",
            json.toString())) {
      assertThat(bring.await(5)).as(bring.said() + host.command().said()).isZero();
    }
    assertThat(Json.parseObject(Files.readAllBytes(json), 1 << 20).objects("changes"))
        .extracting(change -> change.string("state"))
        .containsExactly("done");
  }

  private void refused(HostUp host, byte[] jar, String version, String code) throws Exception {
    JsonObject change = change(host, jar, version);
    assertThat(change.string("state")).isEqualTo("failed");
    assertThat(change.string("code")).as(change.toString()).isEqualTo(code);
    awaitMore(host);
  }

  /** Brings a jar, and waits for the outcome. */
  private JsonObject change(HostUp host, byte[] jar, String version) throws Exception {
    HttpResponse<String> begun =
        client.send(
            HttpRequest.newBuilder(
                    URI.create(
                        "%s/computations/flow/bundles?bundle=%s&version=%s&sha256=%s"
                            .formatted(host.computationsUrl(), BUNDLE, version, sha256(jar))))
                .POST(HttpRequest.BodyPublishers.ofByteArray(jar))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(begun.statusCode()).as(begun.body()).isEqualTo(202);
    String command = parse(begun.body()).object("change").string("command");
    JsonObject[] change = {JsonObject.empty()};
    await()
        .until(
            () -> {
              change[0] = get(host, "/computations/flow/bundles/change").object("change");
              return !change[0].string("state").equals("under-way");
            });
    assertThat(change[0].string("command")).isEqualTo(command);
    return change[0];
  }

  private static String version(HostUp host) throws Exception {
    return get(host, "/computations/flow/bundles").objects("bundles").stream()
        .filter(one -> one.string("bundle").equals(BUNDLE))
        .map(one -> one.string("version") + (one.string("state").equals("active") ? "" : "?"))
        .findFirst()
        .orElse("none");
  }

  private static long lines(HostUp host) throws Exception {
    HttpResponse<String> answer = host.computations("GET", "/computations/flow", null);
    return answer.statusCode() == 200
        ? parse(answer.body()).object("lines").integer("logs", 0, Long.MAX_VALUE)
        : 0;
  }

  private static void awaitMore(HostUp host) throws Exception {
    long before = lines(host);
    await()
        .atMost(Duration.ofMinutes(3))
        .untilAsserted(
            () -> assertThat(lines(host)).as(host.command().said()).isGreaterThan(before + 5_000));
  }

  private static void requireAllLines(HostUp host) throws Exception {
    HttpResponse<Stream<String>> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create(host.computationsUrl() + "/computations/flow/logs"))
                    .build(),
                HttpResponse.BodyHandlers.ofLines());
    long[] last = {0};
    boolean[] end = {false};
    try (Stream<String> all = answer.body()) {
      all.forEach(
          line -> {
            String message = parse(line).string("message");
            if (message.equals("said " + last[0])) {
              end[0] = true;
            } else {
              assertThat(message).isEqualTo("line " + ++last[0]);
            }
          });
    }
    assertThat(end[0]).as("the last line, after " + last[0]).isTrue();
  }

  private static List<String> events(HostUp host) throws Exception {
    return host.computations("GET", "/computations/flow/events", null)
        .body()
        .lines()
        .filter(line -> line.contains("\"BundleChange\""))
        .toList();
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

  private static JsonObject get(HostUp host, String path) throws Exception {
    HttpResponse<String> answer = host.computations("GET", path, null);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return parse(answer.body());
  }

  private static JsonObject parse(String text) {
    return Json.parseObject(text.getBytes(UTF_8), 1 << 20);
  }

  private static String sha256(byte[] jar) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
