// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.qemu.cpio.CpioWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A guest of busybox, some modules, and a script: up in two or three seconds. */
final class TestGuest {

  private static final List<String> MODULES =
      List.of(
          "virtio_ring",
          "virtio",
          "virtio_pci_modern_dev",
          "virtio_pci_legacy_dev",
          "virtio_pci",
          "failover",
          "net_failover",
          "virtio_net",
          "vsock",
          "vmw_vsock_virtio_transport_common",
          "vmw_vsock_virtio_transport",
          "qemu_fw_cfg",
          "pvpanic",
          "pvpanic-pci",
          "button",
          "evdev");
  private static final String INIT =
      """
      #!/bin/busybox sh
      /bin/busybox --install -s /bin
      export PATH=/bin
      mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
      for m in $(cat /mod/order); do insmod /mod/$m.ko; done
      ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
      fact() { tr ' ' '\\n' </proc/cmdline | sed -n "s/^fairlead.$1=//p"; }
      for h in $(fact hosts | tr ',' ' '); do echo "${h#*:} ${h%%:*}" >>/etc/hosts; done
      echo BOOTED
      """;

  private TestGuest() {}

  /** Writes an initramfs whose init ends with a script. */
  static Path initramfs(Path folder, GuestKernel kernel, String script) throws IOException {
    Path busybox = Programs.find("busybox", "apt-get install -y busybox-static");
    Path cpio = folder.resolve("guest.cpio");
    try (CpioWriter out = new CpioWriter(Files.newOutputStream(cpio), 0)) {
      for (String name : List.of("bin", "dev", "proc", "sys", "mod", "etc", "tmp", "etc/acpi")) {
        out.directory(name, 0755);
      }
      out.directory("etc/acpi/PWRF", 0755);
      out.file("etc/acpi/PWRF/00000080", 0755, "#!/bin/sh\npoweroff -f\n".getBytes(UTF_8));
      out.file("bin/busybox", 0755, Files.readAllBytes(busybox));
      for (String module : MODULES) {
        out.file("mod/" + module + ".ko", 0644, Files.readAllBytes(kernel.module(module)));
      }
      out.file("mod/order", 0644, String.join("\n", MODULES).getBytes(UTF_8));
      out.file("init", 0755, (INIT + script + "\n").getBytes(UTF_8));
    }
    Path packed = folder.resolve("guest.cpio.lz4");
    Programs.find("lz4", "apt-get install -y lz4");
    GuestKernel.run(folder, "lz4", "-l", "-1", "-f", "-q", cpio.toString(), packed.toString());
    return packed;
  }
}
