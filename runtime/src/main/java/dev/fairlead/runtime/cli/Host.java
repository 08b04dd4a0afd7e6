// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.image.ImageReport;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.launcher.Deployment;
import dev.fairlead.launcher.Launcher;
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
    } else {
      variables.put("agent.command", agentCommand(installation, wanted.deployment(), home));
    }
    variables.putAll(wanted.variables());
    Deployment deployment = feature.flatten(variables, System::getenv, installation.jars());
    Launcher launcher = new Launcher(deployment, home.resolve("felix"));
    teardown.add(launcher::close);
    launcher.start();
    Services services =
        new Services(
            uri(deployment, "dev.fairlead.manager"), uri(deployment, "dev.fairlead.computations"));
    awaitHealth("computations", services.computations());
    awaitHealth("manager", services.manager());
    return new Host(services, image);
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
        installation
            .deployment("agent-" + deployment)
            .flatten(Map.of(), name -> null, installation.jars());
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

  private static URI uri(Deployment deployment, String pid) {
    Map<String, Object> values = deployment.configurations().getOrDefault(pid, Map.of());
    String port = String.valueOf(values.getOrDefault("http.port", "0"));
    // The one variable of the public contract that moves what this process itself must reach.
    String given = Installation.environment("MANAGER_HTTP_PORT");
    boolean reads = "true".equals(String.valueOf(values.get("environment")));
    return URI.create("http://127.0.0.1:" + (reads && given != null ? given : port));
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

  /** There is nothing to be told by a service that is not up yet, so that it is asked. */
  private static void awaitHealth(String name, JsonClient client) {
    long deadline = System.nanoTime() + HEALTHY_WITHIN.toNanos();
    while (true) {
      try {
        client.get("/health");
        return;
      } catch (HttpProblem e) {
        if (System.nanoTime() - deadline > 0) {
          throw new CommandFailure(
              ExitCode.FAILED,
              "The %s service is not well after %d s: %s"
                  .formatted(name, HEALTHY_WITHIN.toSeconds(), e.getMessage()),
              e);
        }
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
