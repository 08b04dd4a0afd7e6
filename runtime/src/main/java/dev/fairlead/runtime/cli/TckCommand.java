// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Holds transports to the contract. The kit runs in a JVM of its own, on the plain module path: in
 * it there is nothing of this command, and no framework.
 */
@Command(
    name = "tck",
    description = {
      "Holds transports to the transport contract, and the contract to its saboteurs.",
      "Takes at most five minutes for a transport, and about two for the saboteurs."
    },
    mixinStandardHelpOptions = true)
final class TckCommand implements Callable<Integer> {

  private static final String MODULE = "dev.fairlead.conformance";

  @Mixin private Out out = new Out();

  @Option(
      names = "--transports",
      paramLabel = "NAME,…",
      defaultValue = "all",
      description = "Which transports, or none (default: all).")
  private String transports = "all";

  @Option(
      names = "--saboteurs",
      paramLabel = "NAME,…",
      defaultValue = "all",
      description = "Which saboteurs, or none (default: all).")
  private String saboteurs = "all";

  @Option(
      names = "--results",
      paramLabel = "FOLDER",
      description = "Where the result files go (default: target/tck beside the script).")
  private @Nullable Path results;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "From which random faults follow (default: another each time).")
  private @Nullable Long seed;

  @Option(
      names = "--path",
      paramLabel = "JAR|FOLDER",
      description = "A transport of your own: its modules, which provide a TransportContract too.")
  private List<Path> path = new ArrayList<>();

  /** Made by picocli. */
  TckCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Installation installation = Installation.current();
    Path folder = results == null ? installation.root().resolve("target/tck") : results;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-p", modulePath(installation)));
    command.addAll(List.of("-m", MODULE + "/" + MODULE + ".Main"));
    command.addAll(List.of("--transports", transports, "--saboteurs", saboteurs));
    command.addAll(List.of("--results", folder.toString()));
    if (seed != null) {
      command.addAll(List.of("--seed", seed.toString()));
    }
    Process kit =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Thread end = new Thread(kit::destroyForcibly, "fairlead-tck-end");
    Runtime.getRuntime().addShutdownHook(end);
    String last = "";
    try (BufferedReader lines = kit.inputReader(UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line;
      }
    }
    int status = kit.waitFor();
    Runtime.getRuntime().removeShutdownHook(end);
    if (last.startsWith("{")) {
      report((JsonObject) Json.parse(last));
    }
    return status;
  }

  private String modulePath(Installation installation) throws IOException {
    Path target = installation.root().resolve("conformance/target");
    List<Path> modules = new ArrayList<>(path);
    modules.add(target.resolve("modules"));
    try (Stream<Path> files = Files.list(target)) {
      files.filter(file -> isOwnJar(String.valueOf(file.getFileName()))).forEach(modules::add);
    }
    return modules.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  private static boolean isOwnJar(String name) {
    return name.matches("conformance-[0-9][^-]*\\.jar");
  }

  private void report(JsonObject found) {
    JsonObject all = found.object("transports");
    for (String name : all.names()) {
      JsonObject one = all.object(name);
      out.line(
          "%-16s %3d rules hold, %d do not, %d untested%s"
              .formatted(
                  name,
                  one.integer("passed", 0, 9999),
                  one.integer("failed", 0, 9999),
                  one.strings("untested").size(),
                  one.has("failures") ? ": " + String.join(", ", one.strings("failures")) : ""));
    }
    List<JsonObject> tried = found.objects("saboteurs");
    List<String> missed =
        tried.stream()
            .filter(each -> !each.strings("caughtBy").contains(each.string("rule")))
            .map(each -> each.string("name"))
            .toList();
    out.line(
        "%-16s %3d of %d are caught by the rule that names their fault%s"
            .formatted(
                "saboteurs",
                tried.size() - missed.size(),
                tried.size(),
                missed.isEmpty() ? "" : "; missed: " + String.join(", ", missed)));
    out.json(found);
  }
}
