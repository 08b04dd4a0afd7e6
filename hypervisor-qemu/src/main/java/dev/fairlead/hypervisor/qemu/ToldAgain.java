// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.hypervisor.host.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a damaged {@link VmFile} said, told again from the VM itself: the system knows by which
 * command its process was started, and that command says all but when. So a VM that runs is not out
 * of reach for the sake of a file.
 */
final class ToldAgain {

  /** A guest has so long to show a sign of life from now, since nobody knows how long it had. */
  private static final Duration BOOT = Duration.ofMinutes(2);

  private static final Pattern GUEST = Pattern.compile("guest=([A-Za-z0-9_-]{1,64}),.*");
  private static final Pattern KERNEL_CID =
      Pattern.compile(Pattern.quote(Vsock.KERNEL) + ",.*guest-cid=([0-9]{1,9})");

  private ToldAgain() {}

  /**
   * Looks for the process.
   *
   * @return empty when none runs that says by its own command that its VM is of this directory
   */
  static Optional<VmFile> of(RunDirectory directory, Instant now) throws IOException {
    Path file = directory.file(QemuCommand.PID);
    long pid = pid(file);
    List<String> command = command(pid);
    Optional<ProcessIdentity> process = pid == 0 ? Optional.empty() : ProcessIdentity.of(pid);
    if (process.isEmpty()
        || !process.get().runs(command)
        || !after("-pidfile", command).filter(file.toString()::equals).isPresent()) {
      return Optional.empty();
    }
    Matcher guest = GUEST.matcher(after("-name", command).orElse(""));
    Optional<UUID> uuid = after("-uuid", command).flatMap(ToldAgain::uuid);
    Optional<Accelerator> accelerator = after("-accel", command).flatMap(ToldAgain::accelerator);
    if (!guest.matches() || uuid.isEmpty() || accelerator.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new VmFile(
            guest.group(1),
            uuid.get(),
            accelerator.get(),
            Files.getLastModifiedTime(file).toInstant(),
            now.plus(BOOT),
            command,
            vsock(command, directory),
            process));
  }

  private static long pid(Path file) throws IOException {
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (NoSuchFileException | NumberFormatException e) {
      return 0;
    }
  }

  private static List<String> command(long pid) {
    try {
      String words = new String(Files.readAllBytes(Path.of("/proc/" + pid + "/cmdline")), UTF_8);
      return words.endsWith("\0")
          ? Arrays.asList(words.substring(0, words.length() - 1).split("\0", -1))
          : List.of();
    } catch (IOException e) {
      return List.of(); // it has ended, or there never was one
    }
  }

  private static Optional<String> after(String option, List<String> command) {
    int at = command.indexOf(option);
    return at < 0 || at + 1 >= command.size() ? Optional.empty() : Optional.of(command.get(at + 1));
  }

  private static Optional<UUID> uuid(String word) {
    try {
      return Optional.of(UUID.fromString(word));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<Accelerator> accelerator(String argument) {
    return Stream.of(Accelerator.values())
        .filter(each -> each.argument().equals(argument))
        .findFirst();
  }

  /** The kernel's device is in the command; of a program's, the program knows the number. */
  private static Optional<Vsock> vsock(List<String> command, RunDirectory directory) {
    for (String word : command) {
      Matcher kernel = KERNEL_CID.matcher(word);
      if (kernel.matches()) {
        return Optional.of(Vsock.kernel(Integer.parseInt(kernel.group(1))));
      }
    }
    String socket = directory.file(Vsock.SOCKET).toString();
    if (command.stream().noneMatch(word -> word.startsWith(Vsock.USER + ","))) {
      return Optional.empty();
    }
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      return all.map(process -> command(process.pid()))
          .filter(words -> after("--socket", words).filter(socket::equals).isPresent())
          .flatMap(
              words ->
                  after("--guest-cid", words)
                      .filter(cid -> cid.matches("[0-9]{1,9}"))
                      .map(cid -> new Vsock(Integer.parseInt(cid), words))
                      .stream())
          .findFirst();
    }
  }
}
