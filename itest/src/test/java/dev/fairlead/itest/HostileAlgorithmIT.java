// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an algorithm that means ill can do in a real guest: nothing to anybody but itself. */
final class HostileAlgorithmIT {

  /**
   * An ELF file of one segment for x86-64, whose code ends with the error of {@code
   * connect(socket(AF_VSOCK, SOCK_STREAM, 0), {AF_VSOCK, port 9998, CID 2})}, or with 0.
   */
  private static final String VSOCK_PROBE =
      "7f454c46020101000000000000000000 02003e0001000000 7800400000000000 4000000000000000"
          + "0000000000000000 00000000 4000 3800 0100 0000 0000 0000"
          + "01000000 05000000 0000000000000000 0000400000000000 0000400000000000"
          + "bf00000000000000 bf00000000000000 0010000000000000"
          + "bf28000000 be01000000 31d2 b829000000 0f05 85c0 7815"
          + "89c7 488d3517000000 ba10000000 b82a000000 0f05"
          + "f7d8 89c7 b83c000000 0f05"
          + "2800 0000 0e270000 02000000 00000000";

  @TempDir private Path folder;
  private @Nullable HostUp host;

  private HostUp host() {
    return Objects.requireNonNull(host, "no host");
  }

  @AfterEach
  void stop() throws InterruptedException {
    try (HostUp running = host()) {
      FairleadCommand up = running.command();
      up.terminate();
      assertThat(up.await(3)).as(up.said()).isEqualTo(143);
      assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
    }
  }

  @Test
  void itSeesNoSecretHasNoNetworkAndHitsItsLimits() throws Exception {
    host = HostUp.withVms(folder, "nats");
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

  /** AF_VSOCK knows no network namespaces: what holds it back must be something else. */
  @Test
  void itCannotReachTheHubThatItsAgentIsConnectedTo() throws Exception {
    host = HostUp.withVms(folder, "vsock");
    int exit =
        run(
            "caller",
            """
            #!/bin/sh
            printf '%s' > probe
            chmod +x probe
            ./probe
            echo "vsock says $?"
            echo "{}" > results/done.json
            """
                .formatted(octal(HexFormat.of().parseHex(VSOCK_PROBE.replace(" ", "")))));
    // EAFNOSUPPORT; without the sandbox's filter it is 0, or 104 or 110 where nobody listens.
    assertThat(lines("caller")).contains("vsock says 97");
    assertThat(exit).isZero();
  }

  @Test
  void itsCrashIsAFailureWithAReason() throws Exception {
    host = HostUp.withVms(folder, "nats");
    int exit = run("crash", "#!/bin/sh\necho 'about to fail'\nexit 3\n");
    assertThat(exit).isEqualTo(1);
    assertThat(host().computations("GET", "/computations/crash/events", null).body())
        .contains("\"event_type\":\"Failed\"")
        .contains("3");
    assertThat(lines("crash")).contains("about to fail");
  }

  private int run(String id, String script) throws IOException, InterruptedException {
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
            host().managerUrl(),
            "--computations",
            host().computationsUrl())) {
      return run.await(10);
    }
  }

  private String lines(String id) throws IOException, InterruptedException {
    return host().computations("GET", "/computations/" + id + "/logs", null).body();
  }

  /** As a shell's printf takes it. */
  private static String octal(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte each : bytes) {
      text.append("\\%03o".formatted(each & 0xff));
    }
    return text.toString();
  }
}
