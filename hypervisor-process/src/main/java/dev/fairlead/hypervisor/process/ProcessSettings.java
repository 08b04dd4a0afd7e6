// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

import dev.fairlead.hypervisor.api.VmSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a deployment says about its agents.
 *
 * @param command program and arguments. In each, {@code {java}} stands for the program that runs
 *     this JVM, {@code {run}} for the run directory, {@code {computation}} for the computation's id
 * @param environment variables beside those of the contract; nothing else is inherited but the PATH
 */
public record ProcessSettings(List<String> command, Map<String, String> environment) {

  /** Checks that there is a command. */
  public ProcessSettings {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
    if (command.isEmpty()) {
      throw new IllegalArgumentException("The command that starts an agent is empty");
    }
  }

  List<String> command(VmSpec spec, Path run) {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return command.stream()
        .map(
            word ->
                word.replace("{java}", java)
                    .replace("{run}", run.toString())
                    .replace("{computation}", spec.computation()))
        .toList();
  }
}
