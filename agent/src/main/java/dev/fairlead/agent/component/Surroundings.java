// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.component;

import java.util.Map;
import java.util.Optional;

/**
 * What the process hypervisor says in the environment of an agent that is a plain child process. It
 * goes before the configuration. In a guest there is none of it but the working directory.
 */
final class Surroundings {

  private final Map<String, String> environment;

  Surroundings(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  static Surroundings ofProcess() {
    return new Surroundings(System.getenv());
  }

  /** The variable, or else the configured value. */
  String text(String variable, String configured) {
    return find(variable).orElse(configured);
  }

  /**
   * The variable, or else the configured value.
   *
   * @throws IllegalArgumentException when it is no port
   */
  int port(String variable, int configured) {
    String text = text(variable, Integer.toString(configured));
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw new IllegalArgumentException(variable + " must be a port from 0 to 65535.");
  }

  /** Whether this agent is a plain child process of its host. */
  boolean isChildProcess() {
    return find("FAIRLEAD_CMDLINE_FILE").isPresent();
  }

  private Optional<String> find(String variable) {
    return Optional.ofNullable(environment.get(variable)).filter(text -> !text.isEmpty());
  }
}
