// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.qemu.VsockPackage;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** The program that is a VM's vsock device where this host's kernel is none. */
final class VsockProgram {

  /** The deployment's variable that names it. */
  static final String VARIABLE = "vsock.daemon";

  private VsockProgram() {}

  /**
   * Finds it, or fetches it into the cache.
   *
   * @return empty where it is not needed, or is found without our help
   */
  static Optional<Path> find(Installation installation, Consumer<String> progress) {
    if (!VsockPackage.isNeeded() || Installation.environment("FAIRLEAD_VSOCK_DAEMON") != null) {
      return Optional.empty();
    }
    return Optional.of(fetch(installation, progress).program());
  }

  /** Fetches it, where it is not in the cache. */
  static VsockPackage fetch(Installation installation, Consumer<String> progress) {
    try {
      return VsockPackage.fetch(installation.cache(), progress);
    } catch (HypervisorException e) {
      throw new CommandFailure(ExitCode.MISSING, String.valueOf(e.getMessage()), e);
    }
  }
}
