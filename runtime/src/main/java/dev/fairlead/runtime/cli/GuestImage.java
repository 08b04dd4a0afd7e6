// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.image.ImageBuilder;
import dev.fairlead.agent.image.ImageException;
import dev.fairlead.agent.image.ImageInputs;
import dev.fairlead.agent.image.ImageReport;
import dev.fairlead.agent.image.SystemPackages;
import dev.fairlead.launcher.Deployment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The image whose guest runs a deployment's agent. */
final class GuestImage {

  static final String MAIN = "dev.fairlead.launcher.Main";
  private static final String FRAMEWORK = "org.apache.felix.framework-";
  private static final List<String> CLASS_PATH = List.of("launcher-", FRAMEWORK);

  private GuestImage() {}

  /**
   * Builds it, or takes it from the cache.
   *
   * @param deployment the host's; its agent's is what it says, or {@code agent-} and this
   */
  static ImageReport of(
      Installation installation, String deployment, boolean anew, Consumer<String> progress)
      throws IOException {
    Deployment agent =
        installation.agent(deployment).flatten(Map.of(), name -> null, installation.jars());
    Path base = Path.of("/app");
    List<Path> classPath = classPath(installation);
    ImageBuilder builder = new ImageBuilder(installation.cache());
    try {
      Deployment inGuest =
          new Deployment(
              agent.name(),
              properties(agent, installation, classPath),
              agent.bundles().stream()
                  .map(
                      entry ->
                          new Deployment.Entry(
                              inGuest(base, entry.jar()), entry.started(), entry.after()))
                  .toList(),
              agent.configurations());
      ImageInputs inputs =
          new ImageInputs(
              Path.of(System.getProperty("java.home")),
              classPath,
              MAIN,
              List.of("/app/deployment", "/run/felix"),
              agent.bundles().stream().map(Deployment.Entry::jar).toList(),
              inGuest.format(base));
      return anew
          ? builder.buildAnew(inputs, progress::accept)
          : builder.build(inputs, progress::accept);
    } catch (ImageException e) {
      throw new CommandFailure(ExitCode.FAILED, "No image: " + e.getMessage(), e);
    }
  }

  private static Map<String, String> properties(
      Deployment agent, Installation installation, List<Path> classPath) throws IOException {
    Map<String, String> properties = new LinkedHashMap<>(agent.properties());
    Path framework =
        classPath.stream()
            .filter(jar -> String.valueOf(jar.getFileName()).startsWith(FRAMEWORK))
            .findFirst()
            .orElseThrow(() -> new IOException("The distribution holds no OSGi framework."));
    // Of all bundles, not of the agent's alone: one may be added while it runs.
    List<Path> bundles = new ArrayList<>();
    for (Path folder : installation.jars()) {
      try (var files = Files.list(folder)) {
        files.forEach(bundles::add);
      }
    }
    properties.put(SystemPackages.PROPERTY, SystemPackages.of(framework, bundles));
    return properties;
  }

  private static Path inGuest(Path base, Path jar) {
    return base.resolve("bundles").resolve(String.valueOf(jar.getFileName()));
  }

  static List<Path> classPath(Installation installation) throws IOException {
    Path lib = installation.distribution().resolve("lib");
    try (var files = Files.list(lib)) {
      return files
          .filter(
              file ->
                  CLASS_PATH.stream()
                      .anyMatch(start -> String.valueOf(file.getFileName()).startsWith(start)))
          .collect(
              Collectors.collectingAndThen(Collectors.toCollection(TreeSet::new), List::copyOf));
    }
  }
}
