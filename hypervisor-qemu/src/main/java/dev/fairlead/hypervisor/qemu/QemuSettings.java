// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a deployment says about its VMs.
 *
 * @param kernel an x86 Linux kernel (bzImage)
 * @param initramfs compressed or not; lz4 boots fastest
 * @param kernelSha256 what the kernel must be, in lower-case hex, if that shall be checked
 * @param initramfsSha256 what the initramfs must be, likewise
 * @param qemu the program, absolute or to be found on the PATH
 * @param relay a command that joins its input and output with the connection to the host and port
 *     that are appended to it; empty for {@link #RELAY}
 * @param vsockDaemon the program that is a VM's vsock device where this host's kernel is none;
 *     absolute or to be found on the PATH
 * @param state where verdicts about this host are kept; made when needed
 */
public record QemuSettings(
    Path kernel,
    Path initramfs,
    Optional<String> kernelSha256,
    Optional<String> initramfsSha256,
    String qemu,
    AcceleratorChoice accelerator,
    List<String> relay,
    String vsockDaemon,
    Path state) {

  /**
   * The relay that is used unless another is configured; a host that is silent for 10 s is down.
   */
  public static final List<String> RELAY = List.of("busybox", "nc", "-w", "10");

  /** The vsock device that is used unless another is configured. */
  public static final String VSOCK_DAEMON = "vhost-device-vsock";

  /** Checks for nulls. */
  public QemuSettings {
    requireNonNull(kernel, "kernel is null");
    requireNonNull(initramfs, "initramfs is null");
    requireNonNull(kernelSha256, "kernelSha256 is null");
    requireNonNull(initramfsSha256, "initramfsSha256 is null");
    requireNonNull(qemu, "qemu is null");
    requireNonNull(accelerator, "accelerator is null");
    requireNonNull(vsockDaemon, "vsockDaemon is null");
    requireNonNull(state, "state is null");
    relay = relay.isEmpty() ? RELAY : List.copyOf(relay);
  }

  /** This image, with QEMU and relay from the PATH, and the accelerator that the host offers. */
  public static QemuSettings of(Path kernel, Path initramfs, Path state) {
    return new QemuSettings(
        kernel,
        initramfs,
        Optional.empty(),
        Optional.empty(),
        "qemu-system-x86_64",
        AcceleratorChoice.AUTO,
        RELAY,
        VSOCK_DAEMON,
        state);
  }

  GuestImage image() {
    return new GuestImage(kernel, initramfs, kernelSha256, initramfsSha256);
  }
}
