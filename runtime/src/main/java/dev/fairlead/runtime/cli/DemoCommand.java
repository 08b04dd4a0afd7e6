// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.image.ImageReport;
import dev.fairlead.launcher.JsonLines;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The whole way on one machine. */
@Command(
    name = "demo",
    description = {
      "The whole way on one machine: a broker, a host, a VM, an agent, an example computation",
      "whose lines are shown as they come, and its result, checked against a value computed here.",
      "Everything is taken down in the end."
    },
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {

  private static final Duration LIMIT = Duration.ofMinutes(15);
  private static final String MIXED = "mixed";
  private static final int SECONDS_A_LEG = 60;
  private static final int FIRST_LINES = 10;
  private static final int EVERY = 1000;

  @Option(
      names = "--transport",
      paramLabel = "NAME",
      defaultValue = "nats",
      description = "The transport, by its deployment's name (default: ${DEFAULT-VALUE}).")
  private String transport = "nats";

  @Option(
      names = "--hypervisor",
      paramLabel = "qemu|process",
      defaultValue = "qemu",
      description = "A real VM, or the agent as a plain process (default: ${DEFAULT-VALUE}).")
  private HypervisorChoice hypervisor = HypervisorChoice.qemu;

  @Option(
      names = "--all-lines",
      description = "Show every line of the computation, not only the first and each thousandth.")
  private boolean allLines;

  @Option(
      names = "--migrate",
      description = {
        "Have the computation change its transport while it speaks: copies over the new one,",
        "a comparison, a cutover (docs/migration.md). Takes the deployment 'mixed'."
      })
  private boolean migrate;

  @Option(
      names = "--route",
      paramLabel = "NAME,NAME…",
      split = ",",
      defaultValue = "vsock,nats",
      description = "With --migrate: the transports, in turn (default: ${DEFAULT-VALUE}).")
  private List<String> route = List.of("vsock", "nats");

  @Option(
      names = "--inject",
      paramLabel = "KIND=N",
      split = ",",
      description = {
        "With --migrate, a drill: drop=N,alter=N,duplicate=N defects are made in the copies,",
        "and must be found by their numbers; then nobody is moved."
      })
  private Map<String, Integer> inject = new LinkedHashMap<>();

  @Option(names = "--set", paramLabel = "NAME=VALUE", description = "A variable of the deployment.")
  private Map<String, String> variables = new LinkedHashMap<>();

  @Mixin private Out out = new Out();

  /** Made by picocli. */
  DemoCommand() {}

  @Override
  public Integer call() throws IOException {
    if (migrate) {
      transport = MIXED;
      if (route.size() < 2) {
        throw new CommandFailure(ExitCode.USAGE, "--route names two transports or more.");
      }
      for (int i = 0; i + 1 < route.size(); i++) {
        if (route.get(i).equals(route.get(i + 1))) {
          throw new CommandFailure(ExitCode.USAGE, "--route names a transport twice in a row.");
        }
      }
    } else if (!inject.isEmpty()) {
      throw new CommandFailure(ExitCode.USAGE, "--inject goes with --migrate.");
    }
    defects();
    JsonLines.install("warn");
    Progress progress = new Progress(out::progress, InstantSource.system());
    Installation installation = Installation.current();
    try (Teardown teardown = new Teardown()) {
      return demonstrate(installation, teardown, progress);
    }
  }

  private JsonObject defects() {
    try {
      return inject.isEmpty() ? JsonObject.empty() : Migrations.inject(inject, 1);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  /** The example that is run; one that changes its transport takes its time. */
  private RunFile example(Installation installation) throws IOException {
    if (!migrate) {
      return RunFile.read(installation.root().resolve("examples/sum/run.json"));
    }
    RunFile file = RunFile.read(installation.root().resolve("examples/steady/run.json"));
    int expected = Files.readAllLines(file.datasets().get(0)).size();
    int pace = Math.max(1, expected / (SECONDS_A_LEG * (route.size() - 1)));
    return new RunFile(
        file.computation(),
        file.algorithm(),
        file.kind(),
        List.of(Integer.toString(pace)),
        file.datasets());
  }

  private int demonstrate(Installation installation, Teardown teardown, Progress progress)
      throws IOException {
    Path home = teardown.temporaryFolder("fairlead-demo-");
    Map<String, String> all = new LinkedHashMap<>();
    all.put("manager.port", Integer.toString(Ports.free()));
    all.put("computations.port", Integer.toString(Ports.free()));
    all.put("on.shutdown", "end");
    all.put("manager.environment", "false");
    if (migrate) {
      all.put("transport", route.get(0));
    }
    all.putAll(variables);
    Host host =
        Host.start(
            installation,
            new Host.Wanted(transport, hypervisor.name(), home, all),
            progress,
            teardown);
    progress.say("the host is up: broker, computations service, manager");

    RunFile file = example(installation);
    RoleKeys keys = RoleKeys.generate();
    RunSession session = new RunSession(host.services(), progress, InstantSource.system());
    RunSession.Submitted submitted = session.submit(file.manifest(keys));
    progress.say("computation " + submitted.id() + " has a VM: it boots");
    LineLedger ledger = new LineLedger();
    Path zip = home.resolve("result.zip");
    boolean complete;
    DemoMigration migration =
        new DemoMigration(
            host.services().computations(), route, defects(), ledger::heard, progress);
    try (LogFollower logs =
        session.logs(
            submitted.id(),
            line -> {
              String text = Fields.text(line, "message");
              long n = ledger.live();
              if (allLines || n <= FIRST_LINES || n % EVERY == 0) {
                out.line(text);
              }
            })) {
      logs.start();
      if (migrate) {
        migration.start();
      }
      complete = session.drive(submitted, file, keys, zip, LIMIT);
    }
    if (migrate) {
      migration.close();
    }
    JsonObject vm = session.vm(submitted.id());
    JsonObject books = complete ? session.delivered(vm) : JsonObject.empty();
    // The judge is what a reader reads, held against what the algorithm says; not a counter.
    session.read(submitted.id(), "logs", line -> ledger.check(Fields.text(line, "message")));
    int expected = Files.readAllLines(file.datasets().get(0)).size();
    boolean verified = complete && verify(file.datasets().get(0), zip, progress);
    progress.say(
        "%d lines stored; of %d numbered ones %d are missing, %d are there twice"
            .formatted(
                ledger.lines(),
                expected,
                expected - ledger.highest() + ledger.missing(),
                ledger.duplicates()));
    session.stop(submitted.id());
    progress.say("the VM is gone");

    JsonObject.Builder result =
        JsonObject.builder()
            .put("transport", transport)
            .put("hypervisor", hypervisor.name())
            .put("accelerator", Fields.text(vm, "accelerator"))
            .putIfPresent("device", vm.optionalString("device").orElse(null))
            .put("computation", submitted.id())
            .put("state", complete ? "Complete" : "Failed")
            .put("resultVerified", verified)
            .put("records", complete ? records(books, ledger) : JsonObject.empty());
    if (migrate) {
      migration.toJson().build().fields().forEach(result::put);
      result
          .put("lost", expected - ledger.highest() + ledger.missing())
          .put("duplicates", ledger.duplicates());
    }
    Instant helloAt = session.helloAt();
    Instant completeAt = session.completeAt();
    if (helloAt != null) {
      Instant exec = Instant.parse(vm.string("created"));
      result.put("execToHelloMs", Duration.between(exec, helloAt).toMillis());
      if (completeAt != null) {
        result.put("helloToCompleteMs", Duration.between(helloAt, completeAt).toMillis());
      }
    }
    ImageReport image = host.image();
    if (image != null) {
      result.put(
          "image",
          JsonObject.builder()
              .put("kernelSha256", image.kernelSha256())
              .put("initramfsSha256", image.initramfsSha256())
              .put("initramfsBytes", image.initramfsBytes())
              .build());
    }
    teardown.close();
    progress.say("everything is taken down");
    JsonObject json = result.build();
    out.line(
        "%s %s over %s: %s, result %s"
            .formatted(
                hypervisor.name(),
                submitted.id(),
                transport,
                complete ? "Complete" : "Failed",
                verified ? "verified" : "NOT verified"));
    out.json(json);
    boolean moved = !migrate || migration.isGood();
    boolean good = complete && verified && moved && ledger.isWhole(expected);
    return good ? ExitCode.DONE : ExitCode.FAILED;
  }

  private static JsonObject records(JsonObject books, LineLedger ledger) {
    return JsonObject.builder()
        .put("appended", books.number("appended"))
        .put("delivered", ledger.lines())
        .put("queued", books.number("queued"))
        .put("dropped", books.number("dropped"))
        .put("duplicates", ledger.duplicates())
        .build();
  }

  /** Holds the result's sum against one computed here, from the same dataset. */
  private static boolean verify(Path dataset, Path zip, Progress progress) throws IOException {
    long sum = 0;
    long count = 0;
    for (String line : Files.readAllLines(dataset)) {
      sum += Long.parseLong(line.trim());
      count++;
    }
    JsonObject found;
    try (ZipFile archive = new ZipFile(zip.toFile())) {
      ZipEntry entry =
          archive.stream()
              .filter(candidate -> candidate.getName().endsWith("sum.json"))
              .findFirst()
              .orElse(null);
      if (entry == null) {
        progress.say("the result holds no sum.json");
        return false;
      }
      try (InputStream in = archive.getInputStream(entry)) {
        found = Json.parseObject(in.readNBytes(4096), 4096);
      }
    }
    boolean same =
        found.integer("sum", 0, Long.MAX_VALUE) == sum
            && found.integer("count", 0, Long.MAX_VALUE) == count;
    progress.say("the result says %s; computed here: %d".formatted(found, sum));
    return same;
  }
}
