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
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** A computation that says numbered lines, and whose agent is brought newer bundles meanwhile. */
final class FlowingGuest implements AutoCloseable {

  /** Its id. */
  static final String ID = "flow";

  /** Says numbered lines until there is a file; then how many there were. */
  private static final String ALGORITHM =
      """
      #!/bin/sh
      n=0
      while [ ! -e %1$s ]; do
        seq $((n + 1)) $((n + %2$d)) | sed 's/^/line /'
        n=$((n + %2$d))
        sleep 0.05
      done
      echo "said $n"
      """;

  private static final String RUN =
      """
      {"computation":{"id":"%s","name":"Lines","ttl":1800,"timeout":"20m0s"},
       "algorithm":{"file":"algorithm.sh","kind":"bin"},"datasets":[]}
      """
          .formatted(ID);

  private final HttpClient client = HttpClient.newHttpClient();
  private final Path folder;
  private final HostUp host;
  private final String bundle;
  private final FairleadCommand command;

  private FlowingGuest(Path folder, HostUp host, String bundle, FairleadCommand command) {
    this.folder = folder;
    this.host = host;
    this.bundle = bundle;
    this.command = command;
  }

  /**
   * Starts one.
   *
   * @param folder its own
   * @param transport whose bundle will change
   * @param pace lines each 50 ms, at most
   */
  static FlowingGuest start(Path folder, HostUp host, String transport, int pace)
      throws IOException {
    Files.writeString(
        folder.resolve("algorithm.sh"), ALGORITHM.formatted(folder.resolve("stop"), pace));
    Path run = Files.writeString(folder.resolve("run.json"), RUN);
    FairleadCommand command =
        FairleadCommand.start(
            folder,
            "run",
            run.toString(),
            "--quiet",
            "--manager",
            host.managerUrl(),
            "--computations",
            host.computationsUrl(),
            "--output",
            folder.resolve("result.zip").toString());
    return new FlowingGuest(folder, host, "dev.fairlead.transport." + transport, command);
  }

  /** Waits until 2000 more lines are stored than at the start of the call. */
  void awaitMore() throws Exception {
    long before = lines();
    await()
        .atMost(Duration.ofMinutes(5))
        .failFast(
            () ->
                assertThat(command.isRunning()).as(command.said() + host.command().said()).isTrue())
        .untilAsserted(
            () -> assertThat(lines()).as(host.command().said()).isGreaterThan(before + 2_000));
  }

  /** The version of its transport's bundle, as the agent says it. */
  String version() throws Exception {
    return get("/bundles").objects("bundles").stream()
        .filter(one -> one.string("bundle").equals(bundle))
        .map(one -> one.string("version") + (one.string("state").equals("active") ? "" : "?"))
        .findFirst()
        .orElse("none");
  }

  /** Brings a jar, and waits for the outcome. */
  JsonObject change(byte[] jar, String version) throws Exception {
    String command = begin(jar, version);
    JsonObject change = outcome();
    assertThat(change.string("command")).isEqualTo(command);
    return change;
  }

  /** Brings a jar, and returns the command. */
  String begin(byte[] jar, String version) throws Exception {
    HttpResponse<String> begun =
        client.send(
            HttpRequest.newBuilder(
                    URI.create(
                        "%s/computations/%s/bundles?bundle=%s&version=%s&sha256=%s"
                            .formatted(host.computationsUrl(), ID, bundle, version, sha256(jar))))
                .POST(HttpRequest.BodyPublishers.ofByteArray(jar))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(begun.statusCode()).as(begun.body()).isEqualTo(202);
    return parse(begun.body()).object("change").string("command");
  }

  /** Waits for the outcome of the newest change. */
  JsonObject outcome() {
    JsonObject[] change = {JsonObject.empty()};
    await()
        .until(
            () -> {
              change[0] = get("/bundles/change").object("change");
              return !change[0].string("state").equals("under-way");
            });
    return change[0];
  }

  /** Brings a jar that is not taken, and goes on. */
  void refuses(byte[] jar, String version, String code) throws Exception {
    String before = version();
    JsonObject change = change(jar, version);
    assertThat(change.string("state")).isEqualTo("failed");
    assertThat(change.string("code")).as(change.toString()).isEqualTo(code);
    assertThat(version()).isEqualTo(before);
    awaitMore();
  }

  /** Brings a jar as an operator does, and returns the command's exit status. */
  int bring(byte[] jar, Path json) throws Exception {
    Path file = Files.write(folder.resolve("newer.jar"), jar);
    Path own = Files.createDirectories(folder.resolve("bring"));
    try (FairleadCommand bring =
        FairleadCommand.start(
            own,
            "bundles",
            "update",
            file.toString(),
            "--sha256",
            sha256(jar),
            "--computation",
            ID,
            "--computations",
            host.computationsUrl(),
            "--json",
            json.toString())) {
      return bring.await(8);
    }
  }

  /** Has it end by itself, where it shares the files of this machine. */
  void end() throws Exception {
    Files.createFile(folder.resolve("stop"));
    assertThat(command.await(5)).as(command.said() + host.command().said()).isZero();
    assertThat(last()).as("the last line").startsWith("said ");
  }

  /** Ends it from outside, after what it has said is delivered. */
  void stop() throws Exception {
    assertThat(host.computations("POST", "/computations/" + ID + "/stop", "{}").statusCode())
        .isEqualTo(202);
    await()
        .atMost(Duration.ofMinutes(5))
        .until(() -> get("").object("vm").string("state").equals("ended"));
  }

  /** Every line is there once and in order. */
  void requireAllLines() throws Exception {
    long[] last = {0};
    each(
        line -> {
          if (!line.equals("said " + last[0])) {
            assertThat(line).isEqualTo("line " + ++last[0]);
          }
        });
    assertThat(last[0]).isPositive();
  }

  private String last() throws Exception {
    String[] last = {""};
    each(line -> last[0] = line);
    return last[0];
  }

  private void each(java.util.function.Consumer<String> each) throws Exception {
    HttpResponse<Stream<String>> answer =
        client.send(
            HttpRequest.newBuilder(
                    URI.create(host.computationsUrl() + "/computations/" + ID + "/logs"))
                .build(),
            HttpResponse.BodyHandlers.ofLines());
    try (Stream<String> all = answer.body()) {
      all.map(line -> parse(line).string("message")).forEach(each);
    }
  }

  /** What the agent said of changes, by how they ended. */
  long events(String status) throws Exception {
    return host.computations("GET", "/computations/" + ID + "/events", null)
        .body()
        .lines()
        .filter(line -> line.contains("\"BundleChange\"") && line.contains('"' + status + '"'))
        .count();
  }

  private long lines() throws Exception {
    HttpResponse<String> answer = host.computations("GET", "/computations/" + ID, null);
    return answer.statusCode() == 200
        ? parse(answer.body()).object("lines").integer("logs", 0, Long.MAX_VALUE)
        : 0;
  }

  private JsonObject get(String path) throws Exception {
    HttpResponse<String> answer = host.computations("GET", "/computations/" + ID + path, null);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return parse(answer.body());
  }

  private static JsonObject parse(String text) {
    return Json.parseObject(text.getBytes(UTF_8), 1 << 20);
  }

  static String sha256(byte[] jar) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** What {@code up} must be told so that jars may come in. */
  static String[] measured(List<byte[]> jars) {
    return new String[] {
      "--set", "vm.bundles=" + String.join(",", jars.stream().map(FlowingGuest::sha256).toList())
    };
  }

  @Override
  public void close() {
    command.close();
  }
}
