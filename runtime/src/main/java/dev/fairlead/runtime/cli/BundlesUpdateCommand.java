// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings a newer version of a transport. */
@Command(
    name = "update",
    description = {
      "Brings a newer version of a transport, while lines flow: it is verified, installed beside",
      "the one that runs, checked; all links move to it, and the old one goes. Whatever is wrong",
      "with it, the old one runs on.",
      "",
      "With --computation or --all it is brought to agents. They take only what their VM's",
      "measured facts name: start VMs with the digests that may come (vm.bundles).",
      ""
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Exit status: 0 done, or a dry run that would be; 1 refused, or rolled back;",
      "66 there is no such file, bundle or computation; 75 no host or agent is heard, or another",
      "change is under way.",
    })
final class BundlesUpdateCommand implements Callable<Integer> {

  private static final int MOST_BYTES = 32 << 20;
  private static final int MOST_IN_GUEST = dev.fairlead.protocol.Command.Bundle.MAX_SIZE;
  private static final int MOST_SIDE = 4 << 10;
  private static final int RAW_SIGNATURE = 64;

  @Parameters(paramLabel = "FILE", description = "The new version: the bundle's jar.")
  private Path file = Path.of("");

  @Option(
      names = "--sha256",
      paramLabel = "HEX",
      description = "The digest that it must have (default: what FILE.sha256 says).")
  private @Nullable String sha256;

  @Option(
      names = "--signature",
      paramLabel = "FILE",
      description = "Its detached Ed25519 signature (default: FILE.sig, where there is one).")
  private @Nullable Path signature;

  @Option(names = "--dry-run", description = "Say what would be refreshed, and change nothing.")
  private boolean dryRun;

  @Option(names = "--all", description = "All agents that are heard now, one after the other.")
  private boolean all;

  @Mixin private Guests guests = new Guests();
  @Mixin private BundlesCommand.Door door = new BundlesCommand.Door();
  @Mixin private Out out = new Out();
  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  BundlesUpdateCommand() {}

  @Override
  public Integer call() throws IOException {
    if (guests.meant(all)) {
      if (dryRun || signature != null) {
        throw new ParameterException(
            spec.commandLine(),
            "--dry-run and --signature are for a host: what an agent takes is measured.");
      }
      return guests.update(read(file, MOST_IN_GUEST), digest(), all, door.token(), out);
    }
    byte[] jar = read(file, MOST_BYTES);
    StringBuilder path =
        new StringBuilder("/bundles?sha256=").append(URLEncoder.encode(digest(), UTF_8));
    String signed = signed();
    if (signed != null) {
      path.append("&signature=").append(URLEncoder.encode(signed, UTF_8));
    }
    if (dryRun) {
      path.append("&dry-run=true");
    }
    BundlesCommand.tell(out, door.client().post(path.toString(), jar));
    return ExitCode.DONE;
  }

  private String digest() throws IOException {
    if (sha256 != null) {
      return sha256;
    }
    Path side = file.resolveSibling(file.getFileName() + ".sha256");
    if (!Files.isRegularFile(side)) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "Say which digest the jar must have: --sha256 HEX, or a file %s as sha256sum writes it."
              .formatted(side));
    }
    return new String(read(side, MOST_SIDE), UTF_8).strip().split("\\s", 2)[0];
  }

  private @Nullable String signed() throws IOException {
    Path side = signature == null ? file.resolveSibling(file.getFileName() + ".sig") : signature;
    if (signature == null && !Files.isRegularFile(side)) {
      return null;
    }
    byte[] bytes = read(side, MOST_SIDE);
    return bytes.length == RAW_SIGNATURE
        ? Base64.getEncoder().encodeToString(bytes)
        : new String(bytes, UTF_8).strip();
  }

  private static byte[] read(Path file, int most) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new CommandFailure(ExitCode.NOT_FOUND, "There is no file " + file + ".");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new CommandFailure(
            ExitCode.FAILED, "%s has more than %d bytes.".formatted(file, most));
      }
      return bytes;
    }
  }
}
