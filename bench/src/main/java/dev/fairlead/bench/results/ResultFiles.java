// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Leaves results in a folder:
 *
 * <pre>
 * results.json             everything, to be read again
 * results.csv              a line for each run
 * timeline.csv             records stored by time, with what was done when
 * report.html              to be looked at
 * report.md, report.txt    the tables
 * hgrm/NAME.hgrm           a distribution of latencies each
 * </pre>
 *
 * Each file is written beside its place and moved there, so that none is ever half there.
 */
public final class ResultFiles {

  private ResultFiles() {}

  /**
   * Writes all of them, over what may be there.
   *
   * @param folder made if it does not exist
   * @return what was written
   */
  public static List<Path> write(Path folder, Results results) throws IOException {
    List<Path> written = new ArrayList<>();
    Files.createDirectories(folder);
    written.add(put(folder.resolve("results.json"), ResultsJson.write(results)));
    written.add(put(folder.resolve("results.csv"), Csv.runs(results).getBytes(UTF_8)));
    written.add(put(folder.resolve("timeline.csv"), Csv.timeline(results).getBytes(UTF_8)));
    written.add(put(folder.resolve("report.html"), HtmlReport.of(results).getBytes(UTF_8)));
    written.add(put(folder.resolve("report.md"), MarkdownReport.of(results).getBytes(UTF_8)));
    written.add(
        put(
            folder.resolve("report.txt"),
            (String.join("\n", TextReport.of(results)) + "\n").getBytes(UTF_8)));
    Path histograms = folder.resolve("hgrm");
    for (Run run : results.runs()) {
      Latency latency = run.latency();
      if (latency != null && !latency.curve().isEmpty()) {
        written.add(histogram(histograms, run, "", latency));
      }
      Latency ack = run.ack();
      if (ack != null && !ack.curve().isEmpty()) {
        written.add(histogram(histograms, run, "-ack", ack));
      }
    }
    return List.copyOf(written);
  }

  private static Path histogram(Path folder, Run run, String what, Latency latency)
      throws IOException {
    Files.createDirectories(folder);
    Case testCase = run.testCase();
    String name =
        "%s-%s-%d-%d-%d-%d%s.hgrm"
            .formatted(
                run.subject().label(),
                testCase.scenario(),
                testCase.payloadBytes(),
                testCase.ratePerSecond(),
                testCase.agents(),
                run.repeat(),
                what);
    return put(
        folder.resolve(name.replaceAll("[^A-Za-z0-9._-]", "_")), Hgrm.of(latency).getBytes(UTF_8));
  }

  private static Path put(Path file, byte[] bytes) throws IOException {
    Path beside = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.write(beside, bytes);
      Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(beside);
    }
    return file;
  }
}
