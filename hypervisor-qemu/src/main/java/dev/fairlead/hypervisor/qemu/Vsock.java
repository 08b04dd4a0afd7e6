// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.host.GuestSocket;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A VM's vsock device: a value. Where the host's kernel offers vhost-vsock, it carries the
 * connections, and they come from the guest's CID. Elsewhere a program of the host, beside QEMU,
 * carries them between the guest's memory and UNIX sockets.
 *
 * @param cid the guest's number
 * @param daemon the command of that program; empty for the kernel
 */
record Vsock(int cid, List<String> daemon) {

  /** The device of the kernel, and that of a program. */
  static final String KERNEL = "vhost-vsock-pci";

  static final String USER = "vhost-user-vsock-pci";

  /** The name of QEMU's device, and of the way to the program. */
  static final String DEVICE = "vsock";

  static final String LINK = "vsock-link";
  static final String PORT = "vsock-port";

  /** The socket by which QEMU reaches the program, in the run directory. */
  static final String SOCKET = "vhost.sock";

  private static final String KERNEL_DEVICE = "dev/vhost-vsock";

  Vsock {
    daemon = List.copyOf(daemon);
  }

  /** The kernel's. */
  static Vsock kernel(int cid) {
    return new Vsock(cid, List.of());
  }

  /** A program's, for the VM of a run directory. */
  static Vsock user(int cid, Path program, Path directory) {
    return new Vsock(
        cid,
        List.of(
            program.toString(),
            "--guest-cid",
            String.valueOf(cid),
            "--socket",
            directory.resolve(SOCKET).toString(),
            "--uds-path",
            GuestSocket.of(directory).toString()));
  }

  /** Whether this host's kernel can do it: its device lies below the root of the file system. */
  static boolean isInKernel(Path root) {
    try (FileChannel device =
        FileChannel.open(
            root.resolve(KERNEL_DEVICE), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return device.isOpen();
    } catch (IOException e) {
      return false;
    }
  }

  boolean isUser() {
    return !daemon.isEmpty();
  }

  /** The VM's channel, as others see it. */
  VmChannel channel(Path directory) {
    return isUser()
        ? new VmChannel(GuestSocket.peer(GuestSocket.of(directory)), USER)
        : new VmChannel(URI.create(GuestSocket.SCHEME + "://" + cid), KERNEL);
  }
}
