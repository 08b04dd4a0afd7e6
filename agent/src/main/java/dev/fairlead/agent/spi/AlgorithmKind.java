// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A kind of algorithm: it knows how one is laid out and started. An OSGi service. Safe for use by
 * several threads.
 */
@ConsumerType
public interface AlgorithmKind {

  /** The name by which manifests and requests choose it: {@code bin}, {@code wasm}. */
  String name();

  /**
   * Lays the algorithm out in the working directory of a run, where {@code datasets/} and {@code
   * results/} lie already. Files that are made here are handed to the run's user afterwards.
   *
   * @param algorithm the artefact, as it was uploaded; only to be read
   * @param directory the working directory; empty but for the two above
   * @param arguments as the manifest or the provider gave them
   * @return what is started, in the working directory as current directory
   * @throws IOException when it cannot be laid out; the run then fails
   */
  AlgorithmCommand prepare(Path algorithm, Path directory, List<String> arguments)
      throws IOException;

  /**
   * What is started.
   *
   * @param command program and arguments; a program with a {@code /} is looked up from the working
   *     directory
   * @param environment added to the run's environment, which holds only {@code PATH} and {@code
   *     HOME}
   */
  record AlgorithmCommand(List<String> command, Map<String, String> environment) {

    /** Takes copies. */
    public AlgorithmCommand {
      command = List.copyOf(command);
      environment = Map.copyOf(environment);
    }
  }
}
