// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.JsonClient;
import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The two services a command may speak to. */
final class Services {

  /** A VM that starts, or ends in steps, takes its time. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

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

  private @Nullable String computationsToken;

  /** Made by picocli. */
  Services() {}

  /** Those of a host whose configuration is known. */
  Services(URI manager, String managerToken, URI computations, String computationsToken) {
    this.manager = manager;
    this.token = managerToken;
    this.computations = computations;
    this.computationsToken = computationsToken;
  }

  URI managerUri() {
    return manager;
  }

  URI computationsUri() {
    return computations;
  }

  JsonClient manager() {
    return new JsonClient(manager, token, null, PATIENCE);
  }

  JsonClient computations() {
    return new JsonClient(
        computations, computationsToken == null ? token : computationsToken, null, PATIENCE);
  }
}
