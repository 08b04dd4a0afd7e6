// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

final class ShownTest {

  @TempDir private Path folder;

  private static final String EVIL =
      "</script><script>alert(1)</script> ]]> \" ' & \u0007 \u001b[31m \u202e `|* \ud800";

  @Test
  void theTableHasMedianRangeRatioAndMark() {
    List<String> lines = TextReport.of(Samples.small());

    assertThat(lines)
        .anySatisfy(
            line ->
                assertThat(line.replaceAll(" +", " "))
                    .isEqualTo(" nats 1.10 M 1.00–1.20 M 1.11 M 220 1.45 0/0/0"))
        .anySatisfy(
            line ->
                assertThat(line.replaceAll(" +", " "))
                    .isEqualTo(" jnats-jetstream-file * 200 k 190–210 k 202 k 40 12 5.50× 0/0/0"))
        .anySatisfy(
            line -> assertThat(line).contains("* 1 of 6 runs are marked: The machine's load"))
        .anySatisfy(line -> assertThat(line).contains("records/s end to end").endsWith("met"))
        .anySatisfy(
            line -> assertThat(line).contains("against jnats-jetstream-file").endsWith("met"));
  }

  @Test
  void noLineIsWiderThanATerminal() {
    for (Results results : List.of(Samples.small(), Samples.whole(), evil())) {
      for (String line : TextReport.of(results)) {
        assertThat(line.codePointCount(0, line.length())).as(line).isLessThanOrEqualTo(100);
        assertThat(line).doesNotContain("\u001b").doesNotContain("\u202e");
      }
    }
  }

  @Test
  void targetsAreMetMissedOrNotMeasured() {
    List<Target> targets = Targets.of(Samples.whole());

    assertThat(named(targets, "nats p50 at 2,000/s").verdict()).isEqualTo("met");
    assertThat(named(targets, "mqtt-qos1 stall noticed, at worst").verdict()).isEqualTo("–");
    assertThat(named(targets, "nats stall noticed, at worst").verdict()).isEqualTo("met");
    assertThat(named(targets, "nats p99 of 1,000 agents").verdict()).isEqualTo("met");
    assertThat(named(targets, "vsock lost, twice, out of order").verdict()).isEqualTo("met");
    assertThat(named(targets, "vsock records/s against unix-stream").measured()).endsWith("×");
  }

  @Test
  void whatIsLostOrLateMissesItsTarget() {
    List<Run> lossy =
        List.of(Samples.broken(Samples.NATS, Samples.CRASH, 1, 400, 3, new Random(1)));
    assertThat(Targets.of(Samples.results(lossy, false, null)))
        .filteredOn(target -> target.verdict().equals("MISSED"))
        .extracting(Target::what)
        .containsExactly("broker back to first record, p50", "lost, twice, out of order");
  }

  @Test
  void theCsvHasALineForEachRunAndAsManyCellsInEach() {
    List<String> lines = Csv.runs(Samples.whole()).lines().toList();

    int cells = lines.get(0).split(",", -1).length;
    assertThat(lines).hasSize(1 + Samples.whole().runs().size());
    assertThat(lines).allSatisfy(line -> assertThat(line.split(",", -1)).hasSize(cells));
    assertThat(Csv.runs(Samples.small()).lines().skip(1).findFirst())
        .hasValueSatisfying(
            line ->
                assertThat(line)
                    .startsWith("nats,,max-rate,200,0,1,1,20000,4000000,4000000,0,0,0,0,"));
  }

  @Test
  void aCellOfForeignTextIsQuotedAndNoFormula() {
    Run run = Samples.small().runs().get(0).marked("=cmd|'/c calc'!A1, \"quoted\"\nnext");

    String csv = Csv.runs(Samples.results(List.of(run), false, null));

    assertThat(csv).endsWith(",\"'=cmd|'/c calc'!A1, \"\"quoted\"\"\nnext\"\n");
  }

  @Test
  void theTimelineHasPointsAndMarksByTime() {
    Run run = Samples.broken(Samples.NATS, Samples.CRASH, 1, 50, 0, new Random(1));

    List<String> lines =
        Csv.timeline(Samples.results(List.of(run), false, null)).lines().skip(1).toList();

    assertThat(lines).hasSize(91 + 3);
    assertThat(lines.get(0)).isEqualTo("nats,,crash,200,1000,1,1,0,100,");
    assertThat(lines.get(30)).isEqualTo("nats,,crash,200,1000,1,1,3000,,broker killed");
    assertThat(lines).extracting(line -> Long.parseLong(line.split(",", -1)[7])).isSorted();
  }

  @Test
  void anHgrmFileIsWhatHdrHistogramWritesOfTheSame() {
    Histogram nanos = new Histogram(3);
    for (int i = 1; i <= 1000; i++) {
      nanos.recordValue(i * 977L);
    }
    ByteArrayOutputStream theirs = new ByteArrayOutputStream();
    nanos.outputPercentileDistribution(new PrintStream(theirs, true, UTF_8), 5, 1000.0);

    List<String> ours = Hgrm.of(Latency.ofNanos(nanos)).lines().map(ShownTest::squeezed).toList();

    assertThat(ours)
        .containsAll(
            theirs
                .toString(UTF_8)
                .lines()
                .filter(line -> !line.startsWith("#[Buckets"))
                .map(ShownTest::squeezed)
                .toList());
  }

  @Test
  void thePageIsWellFormedAndFetchesNothing() throws Exception {
    for (Results results : List.of(Samples.whole(), Samples.small(), evil(), nothing())) {
      String page = HtmlReport.of(results);
      Document document = parse(page);

      assertThat(document.getElementsByTagName("script").getLength()).isZero();
      assertThat(page.replace("http://www.w3.org/1999/xhtml", ""))
          .doesNotContain("http:", "https:", "url(", "@import", "src=", "href=");
      Set<String> ids = new HashSet<>();
      NodeList all = document.getElementsByTagName("*");
      for (int i = 0; i < all.getLength(); i++) {
        Element element = (Element) all.item(i);
        if (element.hasAttribute("id")) {
          assertThat(ids.add(element.getAttribute("id"))).isTrue();
        }
      }
      NodeList drawings = document.getElementsByTagName("svg");
      for (int i = 0; i < drawings.getLength(); i++) {
        Element drawing = (Element) drawings.item(i);
        if (!drawing.hasAttribute("aria-hidden")) {
          assertThat(drawing.getAttribute("aria-labelledby").split(" ")).hasSize(2).isSubsetOf(ids);
          assertThat(drawing.getElementsByTagName("desc").item(0).getTextContent()).isNotBlank();
        }
      }
    }
  }

  @Test
  void thePageShowsWhatWasMeasured() throws Exception {
    Document document = parse(HtmlReport.of(Samples.whole()));

    assertThat(document.getElementsByTagName("figure").getLength()).isEqualTo(2 + 2 + 2 + 8);
    assertThat(document.getDocumentElement().getTextContent())
        .contains("Made-up CPU 3", "seed 7", "mosquitto_pub 2.0.11", "did not start again")
        .contains("broker killed", "ack p50", "jnats-jetstream-file");
  }

  @Test
  void aSectionWithNothingInItIsLeftOut() {
    assertThat(HtmlReport.of(Samples.small())).doesNotContain("After a fault", "How late");
  }

  @Test
  void coordinatesLieInTheDrawing() throws Exception {
    Document document = parse(HtmlReport.of(Samples.whole()));
    NodeList bars = document.getElementsByTagName("rect");

    assertThat(bars.getLength()).isPositive();
    for (int i = 0; i < bars.getLength(); i++) {
      Element bar = (Element) bars.item(i);
      double x = Double.parseDouble(bar.getAttribute("x"));
      double width = Double.parseDouble(bar.getAttribute("width"));
      assertThat(x).isBetween(0.0, 480.0);
      assertThat(x + width).isBetween(0.0, 481.0);
    }
  }

  @Test
  void markdownGoesWhereTheDocumentSays() {
    String document =
        "# Method\n" + MarkdownReport.BEGIN + "\nold\n" + MarkdownReport.END + "\nmore\n";

    String filled = MarkdownReport.into(document, Samples.small());

    assertThat(filled)
        .startsWith("# Method\n")
        .endsWith(MarkdownReport.END + "\nmore\n")
        .doesNotContain("old")
        .contains("| **nats** | 1.10 M | 1.00–1.20 M |")
        .contains("### Targets");
    assertThat(MarkdownReport.into(filled, Samples.small())).isEqualTo(filled);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MarkdownReport.into("# Method", Samples.small()))
        .withMessageContaining(MarkdownReport.BEGIN);
  }

  @Test
  void markdownOfForeignTextStaysText() {
    String markdown = MarkdownReport.of(evil());

    assertThat(markdown).doesNotContain("<script>", "</script>", "`");
    markdown
        .lines()
        .filter(line -> line.startsWith("|"))
        .forEach(line -> assertThat(line).endsWith("|"));
  }

  @Test
  void allFilesAreWritten() throws Exception {
    List<Path> written = ResultFiles.write(folder.resolve("new/folder"), Samples.whole());
    ResultFiles.write(folder.resolve("new/folder"), Samples.whole());

    assertThat(written)
        .allSatisfy(file -> assertThat(file).isNotEmptyFile())
        .extracting(file -> file.getFileName().toString())
        .contains("results.json", "results.csv", "timeline.csv", "report.html", "report.md")
        .contains("nats-fixed-rate-200-2000-1-1.hgrm", "nats-fixed-rate-200-2000-1-1-ack.hgrm");
    try (var files = Files.walk(folder)) {
      assertThat(files.filter(file -> file.toString().endsWith(".part"))).isEmpty();
    }
    assertThat(ResultsReader.read(written.get(0))).isEqualTo(Samples.whole());
  }

  private static Target named(List<Target> targets, String name) {
    return targets.stream()
        .filter(target -> (target.transport() + " " + target.what()).equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Foreign text wherever there is some. */
  private static Results evil() {
    Results small = Samples.small();
    List<Run> runs = new ArrayList<>();
    for (Run run : Samples.whole().runs()) {
      Timeline timeline =
          new Timeline(run.timeline().points(), List.of(new Timeline.Mark(10, EVIL)));
      runs.add(
          new Run(
              new Subject(run.subject().transport() + EVIL, EVIL + EVIL + EVIL + EVIL),
              new Case(EVIL, 1, 0, 1),
              1,
              null,
              run.counts(),
              run.rates(),
              run.latency(),
              run.ack(),
              run.cost(),
              run.recovery(),
              run.change(),
              timeline,
              run.memory(),
              0,
              0,
              List.of(EVIL)));
    }
    return new Results(
        small.started(),
        small.took(),
        EVIL,
        1,
        false,
        EVIL,
        new Machine(EVIL, 2, 1, EVIL, EVIL, EVIL),
        -1,
        -1,
        Map.of(EVIL, EVIL),
        Map.of(EVIL, Map.of(EVIL, EVIL)),
        List.of(EVIL),
        List.of(new CrossCheck(EVIL, EVIL, 1, 1, 1, 1)),
        List.of(new Failure(Samples.NATS, new Case(EVIL, 1, 1, 1), 1, EVIL)),
        runs);
  }

  private static Results nothing() {
    return Samples.results(List.of(), false, "It was interrupted.");
  }

  private static String squeezed(String line) {
    return line.strip().replaceAll(" +", " ");
  }

  private static Document parse(String page) throws Exception {
    String prefix = "<!DOCTYPE html>\n";
    assertThat(page).startsWith(prefix);
    DocumentBuilder builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
    return builder.parse(new ByteArrayInputStream(page.substring(prefix.length()).getBytes(UTF_8)));
  }
}
