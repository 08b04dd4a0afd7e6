// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AlgorithmRunTest {

  private static final RunLimits LIMITS =
      new RunLimits(Duration.ofSeconds(60), 1 << 28, 64, 1 << 26, 1 << 20, 1 << 20);

  @TempDir Path directory;

  private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();

  private AlgorithmRun run(String script, RunLimits limits, String... arguments) throws Exception {
    Path algorithm = Files.writeString(directory.resolve("artefact"), script);
    Path dataset = Files.writeString(directory.resolve("artefact-2"), "some data\n");
    TreeMap<String, Path> datasets = new TreeMap<>();
    datasets.put("data.txt", dataset);
    return new AlgorithmRun(
        new AlgorithmRun.Plan(
            "run-1",
            new BinKind(),
            List.of(arguments),
            algorithm,
            datasets,
            directory.resolve("result.zip"),
            limits),
        new PlainSandbox(directory.resolve("runs")),
        (source, line) -> lines.add(source + ":" + line));
  }

  private static void assertFailed(RunOutcome outcome, String code) {
    assertThat(outcome)
        .isInstanceOfSatisfying(
            RunOutcome.Failure.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  @Test
  void runsAScriptAndPacksItsResults() throws Exception {
    RunOutcome outcome =
        run(
                "#!/bin/sh\necho out \"$1\"; echo err >&2\ncat datasets/data.txt > results/copy\n",
                LIMITS,
                "two words")
            .call();
    assertThat(outcome).isInstanceOf(RunOutcome.Success.class);
    assertThat(lines).containsExactlyInAnyOrder("stdout:out two words", "stderr:err");
    try (ZipFile zip = new ZipFile(directory.resolve("result.zip").toFile())) {
      assertThat(zip.getInputStream(zip.getEntry("copy"))).hasContent("some data\n");
    }
    assertThat(directory.resolve("runs/run-1")).doesNotExist();
    assertThat(directory.resolve("artefact")).doesNotExist();
  }

  @Test
  void deliversEveryLineOfAFloodInOrder() throws Exception {
    RunOutcome outcome =
        run("#!/bin/sh\ni=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done\n", LIMITS)
            .call();
    assertThat(outcome).isInstanceOf(RunOutcome.Success.class);
    int i = 0;
    for (String line : lines) {
      assertThat(line).isEqualTo("stdout:line " + i++);
    }
    assertThat(i).isEqualTo(20_000);
  }

  @Test
  void anExitCodeAndASignalAreFailures() throws Exception {
    RunOutcome code = run("#!/bin/sh\necho x; exit 7\n", LIMITS).call();
    assertFailed(code, "exit-code");
    assertThat(code.toString()).contains("7");
    assertThat(lines).containsExactly("stdout:x");
    assertThat(run("#!/bin/sh\nkill -9 $$\n", LIMITS).call().toString()).contains("137");
  }

  @Test
  void whatIsNoProgramFails() throws Exception {
    assertThat(run("no program at all \0\1\2", LIMITS).call())
        .isInstanceOf(RunOutcome.Failure.class);
    assertFailed(run("#!/no/such/interpreter\n", LIMITS).call(), "not-started");
  }

  @Test
  void timeAndOutputAreLimited() throws Exception {
    assertFailed(
        run("#!/bin/sh\nexec sleep 600\n", LIMITS.withTime(Duration.ofSeconds(1))).call(),
        "timeout");
    assertFailed(
        run("#!/bin/sh\nwhile :; do echo flood flood flood; done\n", LIMITS).call(),
        "output-limit");
  }

  @Test
  void aLinkAsResultIsRefused() throws Exception {
    assertFailed(run("#!/bin/sh\nln -s /etc/passwd results/x\n", LIMITS).call(), "bad-result");
  }

  @Test
  void aProcessLeftBehindDoesNotHoldTheRunOpen() throws Exception {
    RunOutcome outcome =
        run("#!/bin/sh\n(sleep 20 &) \necho $$ >results/x; echo end\n", LIMITS).call();
    assertThat(outcome).isInstanceOf(RunOutcome.Success.class);
    assertThat(lines).containsExactly("stdout:end");
  }

  @Test
  void canBeStopped() throws Exception {
    AlgorithmRun run = run("#!/bin/sh\necho ready; exec sleep 600\n", LIMITS);
    CompletableFuture<RunOutcome> outcome =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return run.call();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    await().until(() -> lines.contains("stdout:ready"));
    run.stop();
    assertFailed(outcome.join(), "stopped");
  }

  @Test
  void aBlockedSinkHoldsTheAlgorithmBack() throws Exception {
    java.util.concurrent.Semaphore permits = new java.util.concurrent.Semaphore(10);
    Path algorithm =
        Files.writeString(
            directory.resolve("artefact"),
            """
            #!/bin/sh
            i=0; while [ $i -lt 30000 ]; do echo 0123456789012345 $i; i=$((i+1)); done
            echo done > results/done
            """);
    AlgorithmRun run =
        new AlgorithmRun(
            new AlgorithmRun.Plan(
                "run-2",
                new BinKind(),
                List.of(),
                algorithm,
                new TreeMap<>(),
                directory.resolve("result.zip"),
                LIMITS),
            new PlainSandbox(directory.resolve("runs")),
            (source, line) -> {
              permits.acquire();
              lines.add(line);
            });
    CompletableFuture<RunOutcome> outcome =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return run.call();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    await().until(() -> lines.size() == 10);
    assertThat(outcome).isNotDone();
    assertThat(directory.resolve("runs/run-2/results/done")).doesNotExist();
    permits.release(1_000_000);
    assertThat(outcome.join()).isInstanceOf(RunOutcome.Success.class);
    assertThat(lines).hasSize(30_000);
  }
}
