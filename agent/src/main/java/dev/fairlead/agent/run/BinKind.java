// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import dev.fairlead.agent.spi.AlgorithmKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Kind {@code bin}: a program, or a script with a {@code #!} line, that is started directly. */
public final class BinKind implements AlgorithmKind {

  private static final String PROGRAM = "algorithm";

  @Override
  public String name() {
    return "bin";
  }

  @Override
  public AlgorithmCommand prepare(Path algorithm, Path directory, List<String> arguments)
      throws IOException {
    Path program = Files.copy(algorithm, directory.resolve(PROGRAM));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("r-x------"));
    List<String> command = new ArrayList<>();
    command.add("./" + PROGRAM);
    command.addAll(arguments);
    return new AlgorithmCommand(command, Map.of());
  }
}
