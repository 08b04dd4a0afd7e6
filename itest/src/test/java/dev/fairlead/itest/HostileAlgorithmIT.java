// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an algorithm that means ill can do in a real guest: nothing to anybody but itself. */
final class HostileAlgorithmIT {

  @TempDir static Path folder;

  private static FairleadCommand up;
  private static int manager;
  private static int computations;

  @BeforeAll
  static void start() throws IOException {
    manager = freePort();
    computations = freePort();
    Path json = folder.resolve("up.json");
    Path place = Files.createDirectories(folder.resolve("up"));
    up =
        FairleadCommand.start(
            place,
            "up",
            "--home",
            folder.resolve("home").toString(),
            "--set",
            "manager.port=" + manager,
            "--set",
            "computations.port=" + computations,
            "--json",
            json.toString());
    await()
        .atMost(Duration.ofMinutes(5))
        .failFast(() -> assertThat(up.isRunning()).as(up.said()).isTrue())
        .until(() -> Files.exists(json) && Files.size(json) > 0);
  }

  @AfterAll
  static void stop() throws InterruptedException {
    up.terminate();
    assertThat(up.await(3)).as(up.said()).isEqualTo(143);
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
    up.close();
  }

  @Test
  void itSeesNoSecretHasNoNetworkAndHitsItsLimits() throws Exception {
    int exit =
        run(
            "hostile",
            """
            #!/bin/sh
            echo "begin"
            for file in /fairlead/credential /fairlead /proc/cmdline /proc/kmsg /run/fairlead /app/deployment; do
              found=$(cat "$file" 2>/dev/null | head -c 100; ls "$file"/* 2>/dev/null | head -n 1)
              if [ -n "$found" ]; then echo "READ $file"; else echo "nothing in $file"; fi
            done
            [ "$(id -u)" = 0 ] && echo "ROOT"
            for address in 10.0.2.100 10.0.2.2; do
              nc -w 2 $address 9021 </dev/null >/dev/null 2>&1 && echo "REACHED $address"
            done
            kill -9 1 2>/dev/null && [ "$$" != 1 ] && echo "killed the init of its own namespace"
            if dd if=/dev/zero of=fill bs=1M count=900 2>/dev/null; then echo "FILLED"; else echo "disk is full"; fi
            rm -f fill
            (i=0; while [ $i -lt 300 ]; do sleep 20 & i=$((i+1)); done; echo "FORKED") 2>/dev/null || echo "no more processes"
            echo "{}" > results/done.json
            echo "end"
            """);
    String lines = lines("hostile");
    assertThat(exit).as(lines).isZero();
    assertThat(lines)
        .contains("begin", "nothing in /fairlead/credential", "nothing in /proc/cmdline")
        .contains("disk is full", "no more processes", "end")
        .doesNotContain("READ ", "ROOT", "REACHED", "FILLED", "FORKED");
  }

  @Test
  void itsCrashIsAFailureWithAReason() throws Exception {
    int exit = run("crash", "#!/bin/sh\necho 'about to fail'\nexit 3\n");
    assertThat(exit).isEqualTo(1);
    assertThat(get("/computations/crash/events"))
        .contains("\"event_type\":\"Failed\"")
        .contains("3");
    assertThat(lines("crash")).contains("about to fail");
  }

  private static int run(String id, String script) throws Exception {
    Path place = Files.createDirectories(folder.resolve(id));
    Files.writeString(place.resolve("algorithm.sh"), script);
    Files.writeString(
        place.resolve("run.json"),
        """
        { "computation": { "id": "%s", "name": "%s", "ttl": 900, "timeout": "3m0s" },
          "algorithm": { "file": "algorithm.sh" }, "datasets": [] }
        """
            .formatted(id, id));
    try (FairleadCommand run =
        FairleadCommand.start(
            place,
            "run",
            place.resolve("run.json").toString(),
            "-o",
            place.resolve("result.zip").toString(),
            "--manager",
            "http://127.0.0.1:" + manager,
            "--computations",
            "http://127.0.0.1:" + computations)) {
      return run.await(10);
    }
  }

  private static String lines(String id) throws Exception {
    return get("/computations/" + id + "/logs");
  }

  private static String get(String path) throws Exception {
    HttpResponse<String> response =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + computations + path))
                    .build(),
                HttpResponse.BodyHandlers.ofString(UTF_8));
    return response.body();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
