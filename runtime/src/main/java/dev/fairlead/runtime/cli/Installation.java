// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.runtime.deployment.FeatureFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where the parts of this installation lie.
 *
 * @param root the folder of the {@code fairlead} script
 */
record Installation(Path root) {

  /** The one whose script started this process. */
  static Installation current() {
    String root = System.getProperty("fairlead.root");
    if (root == null) {
      throw new CommandFailure(
          ExitCode.FAULT, "The property fairlead.root is not set: start me by ./fairlead.");
    }
    return new Installation(Path.of(root));
  }

  Path distribution() {
    return root.resolve("runtime/target/fairlead");
  }

  /** The folders in which a deployment's bundles lie. */
  List<Path> jars() {
    return List.of(distribution().resolve("bundles"), distribution().resolve("lib"));
  }

  Path deployments() {
    return root.resolve("runtime/deployments");
  }

  Path cache() {
    return root.resolve(".fairlead/cache");
  }

  /** The names of the deployments that a host may run, sorted. */
  List<String> deploymentNames() throws IOException {
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(deployments())) {
      files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.endsWith(".json"))
          .map(name -> name.substring(0, name.length() - 5))
          .forEach(names::add);
    }
    Collections.sort(names);
    return List.copyOf(names);
  }

  /** A deployment by its name. */
  FeatureFile deployment(String name) throws IOException {
    Path file = deployments().resolve(name + ".json");
    if (!deploymentNames().contains(name)) {
      throw new CommandFailure(
          ExitCode.NOT_FOUND,
          "There is no deployment '%s'; there are: %s."
              .formatted(name, String.join(", ", deploymentNames())));
    }
    return FeatureFile.read(file);
  }

  /** The deployment of a deployment's agents: its variable {@code agent}, or its own name. */
  FeatureFile agent(String name) throws IOException {
    return deployment(deployment(name).variables().getOrDefault("agent", "agent-" + name));
  }

  /** Where state is kept, unless a person says otherwise. */
  static Path home() {
    String named = environment("FAIRLEAD_HOME");
    if (named != null) {
      return Path.of(named).toAbsolutePath();
    }
    if ("root".equals(System.getProperty("user.name"))) {
      return Path.of("/var/lib/fairlead");
    }
    String state = environment("XDG_STATE_HOME");
    Path base =
        state == null ? Path.of(System.getProperty("user.home"), ".local/state") : Path.of(state);
    return base.resolve("fairlead");
  }

  /** A variable of the environment; empty counts as unset. */
  static @Nullable String environment(String name) {
    String value = System.getenv(name);
    return value == null || value.isBlank() ? null : value;
  }
}
