// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The sandbox on this machine. Needs root and busybox. That memory and processes are limited by the
 * control group shows in the real guest; a machine with cgroup v1 has no such group to offer.
 */
class IsolatedSandboxIT {

  private static final RunLimits LIMITS =
      new RunLimits(Duration.ofSeconds(60), 1 << 27, 32, 8 << 20, 1 << 22, 1 << 20);

  private static final Path UNIFIED =
      Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))
          ? Path.of("/sys/fs/cgroup")
          : Path.of("/sys/fs/cgroup/unified");

  @TempDir Path directory;

  private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
  private final Path cgroup = UNIFIED.resolve("fairlead-it-" + ProcessHandle.current().pid());
  private Sandbox sandbox;
  private int runs;

  @BeforeEach
  void makeSandbox() throws IOException {
    assertThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
        .as("this test makes namespaces: run it as root")
        .isEqualTo(0);
    assertThat(Path.of("/bin/busybox"))
        .as("busybox is missing: apt-get install busybox-static")
        .isExecutable();
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    sandbox =
        new IsolatedSandbox(
            new IsolatedSandbox.Settings(
                directory.resolve("runs"),
                Path.of("/bin/busybox"),
                cgroup,
                List.of(Path.of("/bin"), Path.of("/lib"), Path.of("/lib64"), Path.of("/usr")),
                false));
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(directory.resolve("runs")).isEmptyDirectory();
    assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(directory.toString());
    Files.delete(cgroup);
  }

  private RunOutcome run(String script, String... arguments) throws Exception {
    runs++;
    Path algorithm = Files.writeString(directory.resolve("artefact"), script);
    TreeMap<String, Path> datasets = new TreeMap<>();
    datasets.put("data.txt", Files.writeString(directory.resolve("artefact-2"), "some data\n"));
    lines.clear();
    return new AlgorithmRun(
            new AlgorithmRun.Plan(
                "run-" + runs,
                new BinKind(),
                List.of(arguments),
                algorithm,
                datasets,
                directory.resolve("result.zip"),
                LIMITS),
            sandbox,
            (source, line) -> lines.add(line))
        .call();
  }

  private void assertFine(RunOutcome outcome) {
    assertThat(outcome).as(String.join("\n", lines)).isInstanceOf(RunOutcome.Success.class);
  }

  @Test
  void runsAsItsOwnUserWithItsDataAndArguments() throws Exception {
    assertFine(
        run(
            "#!/bin/sh\nid -u; pwd; cat datasets/data.txt; echo \"$1\"; echo x > results/x\n",
            "a 'b' $c"));
    assertThat(lines).containsExactly("20000", "/work", "some data", "a 'b' $c");
    assertFine(run("#!/bin/sh\nid -u; id -G\n"));
    assertThat(lines).containsExactly("20001", "20001");
  }

  @Test
  void seesNeitherCommandLineNorOtherProcessesNorTheMachinesFiles() throws Exception {
    Path secret = Files.writeString(directory.resolve("credential"), "hidden");
    assertFine(
        run(
            """
            #!/bin/sh
            echo "cmdline=$(cat /proc/cmdline)"
            cat %s && echo seen
            cat /proc/1/environ && echo seen
            ls /root /home /var /tmp/* && echo seen
            ls -d /proc/[0-9]* | wc -l
            cat /proc/net/dev | grep -c -v 'lo:\\||'
            touch /x /bin/x /etc/x && echo seen
            busybox unshare -U -r -m busybox umount /proc/cmdline && echo seen
            mount -t tmpfs x /work && echo seen
            [ -e /sys/fs ] && echo seen
            exit 0
            """
                .formatted(secret)));
    assertThat(lines).contains("cmdline=").doesNotContain("seen", "cmdline=hidden");
    assertThat(lines.stream().filter(line -> line.matches("\\d+")).map(Integer::valueOf))
        .allMatch(number -> number < 10);
  }

  @Test
  void diskAndProcessesAreLimited() throws Exception {
    RunOutcome outcome =
        run(
            """
            #!/bin/sh
            dd if=/dev/zero of=/work/fill bs=1M count=64 2>/dev/null || echo full
            rm /work/fill
            i=0
            while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done 2>/dev/null
            echo never
            """);
    assertThat(outcome).isInstanceOf(RunOutcome.Failure.class);
    assertThat(lines).contains("full").doesNotContain("never");
  }

  @Test
  void whatIsLeftBehindDiesWithTheRun() throws Exception {
    assertFine(run("#!/bin/sh\nsetsid sleep 599 & echo $! ; exit 0\n"));
    assertThat(ProcessHandle.allProcesses())
        .noneMatch(
            process ->
                process.info().arguments().map(a -> List.of(a).contains("599")).orElse(false));
  }

  @Test
  void exitCodesAndSignalsPassThrough() throws Exception {
    assertThat(run("#!/bin/sh\nexit 9\n").toString()).contains("exit code 9");
    assertThat(run("#!/bin/sh\nkill -9 $$\n").toString()).contains("exit code 137");
    assertThat(run("#!/no/such\n")).isInstanceOf(RunOutcome.Failure.class);
  }

  @Test
  void twoRunsCannotSeeEachOther() throws Exception {
    try (Sandbox.Cell other = sandbox.open("other", LIMITS)) {
      Files.writeString(other.directory().resolve("secret"), "hidden");
      assertFine(
          run("#!/bin/sh\nfind / -name secret 2>/dev/null\nls %s\nexit 0".formatted(directory)));
      assertThat(lines).noneMatch(line -> line.contains("secret"));
    }
  }
}
