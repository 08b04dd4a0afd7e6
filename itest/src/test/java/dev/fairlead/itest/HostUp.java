// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A host that {@code fairlead up} has started, with free ports. */
final class HostUp implements AutoCloseable {

  private final HttpClient client = HttpClient.newHttpClient();
  private final Path folder;
  private final int manager;
  private final int computations;
  private final FairleadCommand command;

  private HostUp(Path folder, int manager, int computations, FairleadCommand command) {
    this.folder = folder;
    this.manager = manager;
    this.computations = computations;
    this.command = command;
  }

  /**
   * Starts one whose agents are plain processes, and waits until it says that it is well.
   *
   * @param folder for what it writes
   * @param words for the command, beyond what every such host gets
   */
  static HostUp start(Path folder, String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of("--hypervisor", "process"));
    all.addAll(List.of("--set", "broker.port=0"));
    all.addAll(List.of(words));
    return up(folder, all);
  }

  /** Starts one of another deployment whose agents are plain processes. */
  static HostUp withProcesses(Path folder, String deployment, String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of("--hypervisor", "process"));
    all.addAll(List.of("--deployment", deployment));
    all.addAll(List.of(words));
    return up(folder, all);
  }

  /** Starts one whose agents are in VMs; that may take minutes, for the image. */
  static HostUp withVms(Path folder, String deployment, String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of("--deployment", deployment));
    all.addAll(List.of(words));
    return up(folder, all);
  }

  /** Runs the example computation to its end, and takes its result into the folder. */
  void runExample(Path target) throws Exception {
    Path result = target.resolve("result.zip");
    FairleadCommand run =
        FairleadCommand.start(
            target,
            "run",
            Reactor.root().resolve("examples/sum/run.json").toString(),
            "--quiet",
            "--manager",
            managerUrl(),
            "--computations",
            computationsUrl(),
            "--output",
            result.toString());
    try (run) {
      assertThat(run.await(3)).as(run.said()).isZero();
    }
    assertThat(Files.size(result)).isPositive();
  }

  private static HostUp up(Path folder, List<String> words) throws IOException {
    int manager = freePort();
    int computations = freePort();
    Path json = folder.resolve("up.json");
    List<String> all = new ArrayList<>(List.of("up", "--json", json.toString()));
    all.addAll(List.of("--home", folder.resolve("home").toString()));
    all.addAll(List.of("--set", "manager.port=" + manager));
    all.addAll(List.of("--set", "computations.port=" + computations));
    all.addAll(words);
    FairleadCommand command = FairleadCommand.start(folder, all.toArray(new String[0]));
    HostUp host = new HostUp(folder, manager, computations, command);
    try {
      await()
          .atMost(Duration.ofMinutes(5))
          .failFast(() -> assertThat(command.isRunning()).as(command.said()).isTrue())
          .until(() -> Files.exists(json) && Files.size(json) > 0);
    } catch (RuntimeException e) {
      host.close();
      throw e;
    }
    return host;
  }

  /** The command itself. */
  FairleadCommand command() {
    return command;
  }

  /** Where the host keeps its state. */
  Path home() {
    return folder.resolve("home");
  }

  String managerUrl() {
    return "http://127.0.0.1:" + manager;
  }

  String computationsUrl() {
    return "http://127.0.0.1:" + computations;
  }

  /** Asks the manager; a body is JSON. */
  HttpResponse<String> manager(String method, String path, @Nullable String body)
      throws IOException, InterruptedException {
    return send(method, managerUrl() + path, body);
  }

  /** Asks the computations service; a body is JSON. */
  HttpResponse<String> computations(String method, String path, @Nullable String body)
      throws IOException, InterruptedException {
    return send(method, computationsUrl() + path, body);
  }

  private HttpResponse<String> send(String method, String url, @Nullable String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofMinutes(1));
    if (body == null) {
      request.method(method, HttpRequest.BodyPublishers.noBody());
    } else {
      request
          .header("Content-Type", "application/json")
          .method(method, HttpRequest.BodyPublishers.ofString(body));
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    command.close();
  }
}
