// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.host.ProcessIdentity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;

/**
 * Chooses what runs the guests of this host. KVM that opens is not yet KVM that runs a guest: it
 * may hang one at full load, without a word. So it is taken only where the processor or the kernel
 * says that it can, and where no guest with this kernel ever failed to come to life since the
 * host's boot. That verdict is a file {@code kvm-unfit-<boot>-<kernel>} in the state directory,
 * whose text is for people; those of earlier boots are removed.
 */
final class Accelerators {

  private static final String PREFIX = "kvm-unfit-";
  private static final Pattern HARDWARE = Pattern.compile("\\b(vmx|svm)\\b");

  private final Path root;
  private final Path state;
  private final AcceleratorChoice choice;

  /**
   * Makes one.
   *
   * @param root of the host's file system
   * @param state where verdicts are remembered; made when needed
   */
  Accelerators(Path root, Path state, AcceleratorChoice choice) {
    this.root = root;
    this.state = state;
    this.choice = choice;
  }

  /** What a guest of this kernel shall run on. */
  Accelerator choose(Path kernel) {
    return switch (choice) {
      case KVM -> Accelerator.KVM;
      case TCG -> Accelerator.TCG;
      case AUTO -> hasKvm() && !Files.exists(verdict(kernel)) ? Accelerator.KVM : Accelerator.TCG;
    };
  }

  /** Whether a guest that does not come to life under KVM may be tried with TCG. */
  boolean mayFallBack() {
    return choice == AcceleratorChoice.AUTO;
  }

  /** Remembers that KVM does not run this kernel here. */
  void unfit(Path kernel, String why) throws IOException {
    Files.createDirectories(state);
    Path verdict = verdict(kernel);
    try (DirectoryStream<Path> all = Files.newDirectoryStream(state, PREFIX + "*")) {
      for (Path old : all) {
        if (!old.getFileName().toString().startsWith(PREFIX + boot())) {
          Files.deleteIfExists(old);
        }
      }
    }
    Files.write(verdict, (why + "\n").getBytes(UTF_8));
  }

  private boolean hasKvm() {
    try (FileChannel kvm =
        FileChannel.open(
            root.resolve("dev/kvm"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return kvm.isOpen()
          && (Files.exists(root.resolve("sys/module/kvm_intel"))
              || Files.exists(root.resolve("sys/module/kvm_amd"))
              || HARDWARE.matcher(Files.readString(root.resolve("proc/cpuinfo"))).find());
    } catch (IOException e) {
      return false;
    }
  }

  private Path verdict(Path kernel) {
    try {
      return state.resolve(PREFIX + boot() + "-" + GuestImage.sha256(kernel).substring(0, 16));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String boot() {
    return ProcessIdentity.hostBootId();
  }
}
