// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.JsonClient;
import java.net.URI;
import picocli.CommandLine.Option;

/** The two services a command may speak to. */
final class Services {

  @Option(
      names = "--manager",
      paramLabel = "URL",
      defaultValue = "${FAIRLEAD_MANAGER:-http://127.0.0.1:9021}",
      description = "The manager (default: ${DEFAULT-VALUE}).")
  private URI manager = URI.create("http://127.0.0.1:9021");

  @Option(
      names = "--computations",
      paramLabel = "URL",
      defaultValue = "${FAIRLEAD_COMPUTATIONS:-http://127.0.0.1:9020}",
      description = "The computations service (default: ${DEFAULT-VALUE}).")
  private URI computations = URI.create("http://127.0.0.1:9020");

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      defaultValue = "${FAIRLEAD_TOKEN:-}",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER,
      description = "What the services ask for when they listen beyond loopback.")
  private String token = "";

  /** Made by picocli. */
  Services() {}

  Services(URI manager, URI computations) {
    this.manager = manager;
    this.computations = computations;
  }

  URI managerUri() {
    return manager;
  }

  URI computationsUri() {
    return computations;
  }

  JsonClient manager() {
    return new JsonClient(manager, token);
  }

  JsonClient computations() {
    return new JsonClient(computations, token);
  }
}
