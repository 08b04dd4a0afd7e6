// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Message;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** That each benchmark does what it says, in this process and for an instant; no figure counts. */
final class SmokeTest {

  @Test
  void eachBenchmarkRuns() throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include("dev\\.fairlead\\.bench\\.micro\\..*")
                    .forks(0)
                    .warmupIterations(0)
                    .measurementIterations(1)
                    .measurementTime(TimeValue.milliseconds(20))
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();

    Set<String> names =
        results.stream()
            .map(result -> result.getParams().getBenchmark())
            .map(name -> name.replaceFirst(".*\\.(\\w+)Benchmark", "$1"))
            .collect(Collectors.toSet());
    assertThat(names)
        .containsExactlyInAnyOrder(
            "Encode.encode",
            "Encode.decode",
            "Send.appendBatchDeliver",
            "Inbox.take",
            "Inbox.dedupe",
            "Frame.write",
            "Frame.read",
            "Store.store");
  }

  @Test
  void theSampleIsWhatItSays() throws InterruptedException {
    assertThat(Sample.line()).hasSize(Sample.RECORD_BYTES);
    Message batch = Sender.sample();
    assertThat(batch.payload().remaining()).isEqualTo(Sample.RECORDS * 201 - 1);
    assertThat(batch.headers()).containsEntry("fl-count", Integer.toString(Sample.RECORDS));
  }

  @Test
  void whatIsSentIsTaken() throws InterruptedException {
    HandRunner runner = new HandRunner();
    HandLink link = new HandLink();
    try (Receiver receiver = new Receiver(link, runner);
        Sender sender = new Sender(link, runner)) {
      for (int i = 0; i < 10; i++) {
        sender.batch();
      }
      // The very first goes at once and alone; behind nine whole batches the tenth is being filled.
      assertThat(receiver.books().stored()).isEqualTo(1 + 9L * Sample.RECORDS);
      assertThat(receiver.books().duplicates()).isZero();
    }
  }
}
