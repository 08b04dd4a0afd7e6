// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.image.Requirement;
import dev.fairlead.hypervisor.qemu.VsockPackage;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says what this machine lacks. */
@Command(
    name = "doctor",
    description = "Says what this machine lacks, and the command that installs it.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {

  private static final long LEAST_FREE_BYTES = 3L << 30;

  @Option(
      names = "--fetch",
      description = "Fetch what is not installed but kept in the cache: vhost-device-vsock.")
  private boolean fetch;

  @Mixin private Out out = new Out();

  private final List<JsonValue> checks = new ArrayList<>();
  private final Set<String> packages = new TreeSet<>();
  private boolean good = true;
  private @Nullable JsonObject vsock;

  /** Made by picocli. */
  DoctorCommand() {}

  @Override
  public Integer call() throws IOException {
    Installation installation = Installation.current();
    check(
        "java",
        true,
        System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
    program("jlink", "openjdk-17-jdk-headless", "links the guest's Java");
    program("qemu-system-x86_64", "qemu-system-x86", "runs VMs");
    program("nats-server", "nats-server", "is the broker of transport nats");
    program("mosquitto", "mosquitto", "is the broker of transport mqtt");
    program("modprobe", "kmod", "orders the guest's modules");
    program("setsid", "util-linux", "detaches VMs from the terminal");
    for (Requirement requirement : Requirement.all()) {
      check(requirement.program(), requirement.present(), requirement.purpose());
      if (!requirement.present() && !requirement.optional()) {
        packages.add(requirement.debianPackage());
      }
    }
    check("kvm", true, kvm());
    vsock(installation);
    for (int port : new int[] {9020, 9021, 4222}) {
      check("port " + port, true, Ports.isFree(port) ? "free" : "in use: a host may be up already");
    }
    long free = Files.getFileStore(installation.root()).getUsableSpace();
    check("disk", free > LEAST_FREE_BYTES, "%,d MiB free, 3072 wanted".formatted(free >> 20));
    if (!packages.isEmpty()) {
      out.line("");
      out.line("Install what is missing:");
      out.line("  sudo apt-get install -y --no-install-recommends " + String.join(" ", packages));
    }
    out.json(
        JsonObject.builder()
            .put("good", good)
            .put("checks", JsonArray.of(checks))
            .put("packages", List.copyOf(packages))
            .putIfPresent("vsock", vsock)
            .build());
    return good ? ExitCode.DONE : ExitCode.MISSING;
  }

  private void program(String name, String debianPackage, String purpose) {
    boolean present =
        new Requirement(name, debianPackage, purpose, false).present()
            || Files.isExecutable(Path.of(System.getProperty("java.home"), "bin", name));
    check(name, present, purpose);
    if (!present) {
      packages.add(debianPackage);
    }
  }

  private void check(String what, boolean ok, String detail) {
    good &= ok;
    out.line("%-8s %-20s %s".formatted(ok ? "ok" : "MISSING", what, detail));
    checks.add(JsonObject.builder().put("what", what).put("ok", ok).put("detail", detail).build());
  }

  /** The vsock device of VMs: the kernel's, or a program's that is fetched. */
  private void vsock(Installation installation) {
    if (VsockPackage.isInKernel()) {
      check("vsock", true, "/dev/vhost-vsock: the kernel is the device");
      return;
    }
    if (!VsockPackage.isNeeded()) {
      check("vsock", true, "vhost-device-vsock is on the PATH");
      return;
    }
    Optional<VsockPackage> cached =
        fetch
            ? Optional.of(VsockProgram.fetch(installation, out::progress))
            : VsockPackage.cached(installation.cache());
    cached.ifPresentOrElse(
        found -> {
          check("vsock", true, "vhost-device-vsock %s, fetched".formatted(found.version()));
          out.line("         package   sha256 " + found.packageSha256());
          out.line("         program   sha256 " + found.programSha256());
          vsock =
              JsonObject.builder()
                  .put("version", found.version())
                  .put("packageSha256", found.packageSha256())
                  .put("programSha256", found.programSha256())
                  .build();
        },
        () ->
            check(
                "vsock",
                true,
                "vhost-device-vsock is fetched by the first host over vsock, or now:"
                    + " ./fairlead doctor --fetch"));
  }

  /** KVM is a matter of speed, not of need; /dev/kvm alone does not mean that guests run. */
  private static String kvm() throws IOException {
    Path device = Path.of("/dev/kvm");
    if (!Files.exists(device)) {
      return "absent: VMs are emulated";
    }
    if (!Files.isReadable(device) || !Files.isWritable(device)) {
      return "no access to /dev/kvm: VMs are emulated";
    }
    boolean hardware =
        Files.isDirectory(Path.of("/sys/module/kvm_intel"))
            || Files.isDirectory(Path.of("/sys/module/kvm_amd"));
    return hardware
        ? "present"
        : "/dev/kvm is there, without support of the processor: VMs are emulated";
  }
}
