// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.launcher.JsonLines;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts a host and stays until Ctrl-C. */
@Command(
    name = "up",
    description = {
      "Starts a host from a deployment: broker, computations service, manager and hypervisor.",
      "Stays until Ctrl-C, which ends them and, unless told otherwise, the VMs."
    },
    mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer> {

  @Option(
      names = "--deployment",
      paramLabel = "NAME",
      defaultValue = "nats",
      description = "What to deploy; see: fairlead deployments (default: ${DEFAULT-VALUE}).")
  private String deployment = "nats";

  @Option(
      names = "--hypervisor",
      paramLabel = "qemu|process",
      defaultValue = "qemu",
      description = "A real VM, or the agent as a plain process (default: ${DEFAULT-VALUE}).")
  private HypervisorChoice hypervisor = HypervisorChoice.qemu;

  @Option(
      names = "--home",
      paramLabel = "DIR",
      description = "Where state is kept (default: FAIRLEAD_HOME, or /var/lib/fairlead for root).")
  private @Nullable Path home;

  @Option(
      names = "--keep-vms",
      description = "Let the VMs go on after Ctrl-C; the next up finds them again.")
  private boolean keepVms;

  @Option(names = "--set", paramLabel = "NAME=VALUE", description = "A variable of the deployment.")
  private Map<String, String> variables = new LinkedHashMap<>();

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      defaultValue = "info",
      description = "debug, info, warn or error (default: ${DEFAULT-VALUE}).")
  private String logLevel = "info";

  @Mixin private Out out = new Out();

  /** Made by picocli. */
  UpCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    JsonLines.install(logLevel);
    InstantSource clock = InstantSource.system();
    Instant start = clock.instant();
    Progress progress = new Progress(out::progress, clock);
    Path folder = home == null ? Installation.home() : home;
    Map<String, String> all = new LinkedHashMap<>();
    all.put("on.shutdown", keepVms ? "release" : "end");
    all.putAll(variables);
    try (Teardown teardown = new Teardown()) {
      Host host =
          Host.start(
              Installation.current(),
              new Host.Wanted(deployment, hypervisor.name(), folder, all),
              progress,
              teardown);
      long millis = Duration.between(start, clock.instant()).toMillis();
      out.line(
          "up: manager %s, computations %s, state in %s; ready after %d ms; Ctrl-C ends it"
              .formatted(
                  host.services().managerUri(), host.services().computationsUri(), folder, millis));
      out.json(
          JsonObject.builder()
              .put("state", "ready")
              .put("deployment", deployment)
              .put("hypervisor", hypervisor.name())
              .put("manager", host.services().managerUri().toString())
              .put("computations", host.services().computationsUri().toString())
              .put("home", folder.toString())
              .put("readyMs", millis)
              .build());
      // Ends with the process: Ctrl-C and SIGTERM run the teardown's hook.
      new CountDownLatch(1).await();
    }
    return ExitCode.DONE;
  }
}
