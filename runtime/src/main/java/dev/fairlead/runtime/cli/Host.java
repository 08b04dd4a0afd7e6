// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.image.ImageReport;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.launcher.Deployment;
import dev.fairlead.launcher.Launcher;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.runtime.deployment.FeatureFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A host in this process: a deployment's broker, computations service, manager and hypervisor in
 * one Felix; its end ends them in the reverse order.
 */
final class Host {

  private static final Duration HEALTHY_WITHIN = Duration.ofSeconds(60);
  private static final long POLL_NANOS = 50_000_000;

  private final Services services;
  private final @Nullable ImageReport image;

  private Host(Services services, @Nullable ImageReport image) {
    this.services = services;
    this.image = image;
  }

  /**
   * What is wanted.
   *
   * @param deployment its name
   * @param hypervisor {@code qemu} or {@code process}
   * @param home where its state lies; made if absent
   * @param variables of the deployment
   */
  record Wanted(String deployment, String hypervisor, Path home, Map<String, String> variables) {}

  /**
   * Starts one and waits until manager and computations say that they are well. Its end is added to
   * the teardown before its start.
   */
  static Host start(Installation installation, Wanted wanted, Progress progress, Teardown teardown)
      throws IOException {
    FeatureFile feature = installation.deployment(wanted.deployment());
    Path home = wanted.home().toAbsolutePath();
    privateFolder(home);
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("home", home.toString());
    variables.put("hypervisor", wanted.hypervisor());
    ImageReport image = null;
    if (wanted.hypervisor().equals("qemu")) {
      image = GuestImage.of(installation, wanted.deployment(), false, progress::say);
      variables.put("kernel", image.kernel().toString());
      variables.put("initramfs", image.initramfs().toString());
      variables.put("kernel.sha256", image.kernelSha256());
      variables.put("initramfs.sha256", image.initramfsSha256());
      if (feature.variables().containsKey(VsockProgram.VARIABLE)) {
        VsockProgram.find(installation, progress::say)
            .ifPresent(program -> variables.put(VsockProgram.VARIABLE, program.toString()));
      }
    } else {
      variables.put("agent.command", agentCommand(installation, wanted.deployment(), home));
    }
    variables.putAll(wanted.variables());
    Deployment deployment = feature.flatten(variables, System::getenv, installation.jars());
    Listening manager = Listening.of(deployment, "dev.fairlead.manager", "manager");
    Listening computations = Listening.of(deployment, "dev.fairlead.computations", "computations");
    manager.requireFree();
    computations.requireFree();
    launch(deployment, home, progress, teardown);
    Services services =
        new Services(manager.uri(), manager.token(), computations.uri(), computations.token());
    awaitHealth(
        "computations service",
        services.computations(),
        // Of all that it listens on: VMs are told of those alone that are there.
        health -> Fields.text(health, "status").equals("pass"));
    awaitHealth(
        "manager",
        services.manager(),
        health -> Fields.text(health, "registry").equals("connected"));
    return new Host(services, image);
  }

  /**
   * With the bundles that were chosen in place of the deployment's own; without them, should it not
   * start so.
   */
  private static void launch(Deployment own, Path home, Progress progress, Teardown teardown)
      throws IOException {
    Deployment chosen = chosen(own, home);
    if (!chosen.equals(own)) {
      try {
        start(chosen, home, teardown);
        return;
      } catch (IOException e) {
        progress.say("with the bundles that were chosen it does not start: " + e.getMessage());
      }
    }
    start(own, home, teardown);
  }

  private static void start(Deployment deployment, Path home, Teardown teardown)
      throws IOException {
    Launcher launcher = new Launcher(deployment, home.resolve("felix"));
    teardown.add(launcher::close);
    launcher.start();
  }

  private static Deployment chosen(Deployment own, Path home) {
    Shelf shelf = new Shelf(home.resolve("bundles"));
    List<Deployment.Entry> bundles = new ArrayList<>();
    for (Deployment.Entry entry : own.bundles()) {
      bundles.add(new Deployment.Entry(shelf.over(entry.jar()), entry.started(), entry.after()));
    }
    return new Deployment(own.name(), own.properties(), bundles, own.configurations());
  }

  Services services() {
    return services;
  }

  /** What its guests boot; null for a hypervisor without guests. */
  @Nullable ImageReport image() {
    return image;
  }

  /** The agent's own deployment, made flat in the host's home, and the command that starts it. */
  private static String agentCommand(Installation installation, String deployment, Path home)
      throws IOException {
    Deployment agent =
        installation.agent(deployment).flatten(Map.of(), name -> null, installation.jars());
    Path file = home.resolve("agent.deployment");
    Files.writeString(file, agent.format(home), UTF_8);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-XX:+UseSerialGC");
    command.add("-Xmx256m");
    command.add("-cp");
    command.add(
        String.join(":", GuestImage.classPath(installation).stream().map(Path::toString).toList()));
    command.add(GuestImage.MAIN);
    command.add(file.toString());
    command.add("{run}/felix");
    return String.join("\n", command);
  }

  /**
   * Where a service of a deployment listens, as its configuration says.
   *
   * @param variable what its variables begin with
   */
  private record Listening(String host, int port, String token, String variable) {

    static Listening of(Deployment deployment, String pid, String variable) {
      Map<String, Object> values = deployment.configurations().getOrDefault(pid, Map.of());
      // What the public contract's variables move, this process must know too.
      boolean reads = "true".equals(String.valueOf(values.get("environment")));
      String host = text(values, "http.host", reads ? "MANAGER_HTTP_HOST" : null);
      String port = text(values, "http.port", reads ? "MANAGER_HTTP_PORT" : null);
      try {
        return new Listening(
            host, Integer.parseInt(port), text(values, "http.token", null), variable);
      } catch (NumberFormatException e) {
        throw new CommandFailure(
            ExitCode.USAGE, "%s.port is no number: '%s'.".formatted(variable, port), e);
      }
    }

    private static String text(
        Map<String, Object> values, String key, @Nullable String environment) {
      String given = environment == null ? null : Installation.environment(environment);
      return given == null ? String.valueOf(values.getOrDefault(key, "")) : given;
    }

    URI uri() {
      boolean everywhere = host.isBlank() || host.equals("0.0.0.0") || host.equals("localhost");
      return URI.create("http://" + (everywhere ? "127.0.0.1" : host) + ":" + port);
    }

    void requireFree() {
      if (!Ports.isFree(port)) {
        throw new CommandFailure(
            ExitCode.FAILED,
            "Port %d is in use: a host may be up already. Choose another with --set %s.port=N."
                .formatted(port, variable));
      }
    }
  }

  private static void privateFolder(Path folder) throws IOException {
    Path parent = folder.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    if (!Files.isDirectory(folder)) {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
  }

  /** A service that is not up yet cannot tell of itself, so that it is asked. */
  private static void awaitHealth(String name, JsonClient client, Predicate<JsonObject> well) {
    long deadline = System.nanoTime() + HEALTHY_WITHIN.toNanos();
    String last = "it does not answer";
    HttpProblem cause = null;
    while (System.nanoTime() - deadline < 0) {
      try {
        JsonObject health = client.get("/health");
        if (well.test(health)) {
          return;
        }
        last = "it answers " + health;
      } catch (HttpProblem e) {
        cause = e;
        last = String.valueOf(e.getMessage());
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new CommandFailure(
        ExitCode.FAILED,
        "The %s is not well after %d s: %s".formatted(name, HEALTHY_WITHIN.toSeconds(), last),
        cause);
  }
}
