// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real streams of AF_VSOCK, where any machine can have them: inside a guest, over {@code
 * vsock_loopback}. What it leaves in {@code itest/target/vsock-device.json} says so, and which of
 * the other two devices this machine could have had.
 */
class VsockInGuestIT {

  private static final String INIT =
      """
      mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
      mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
      while read -r module; do insmod "/lib/modules/$module.ko"; done < /lib/modules/order
      insmod /vsock/vsock_loopback.ko || echo 'no vsock_loopback'
      env -i PATH=/bin HOME=/root /opt/jre/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \\
        -p /vsock/modules --add-modules ALL-MODULE-PATH -cp /vsock/classes \\
        dev.fairlead.itest.VsockGuestProgram /run/hub 2>&1
      echo "program ended with $?"
      poweroff -f
      """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  @Test
  void transportRunsOverAfVsock() throws Exception {
    String image = image();
    Path overlay = folder.resolve("overlay");
    write(overlay.resolve("fairlead/init.sh"), "/bin/busybox --install -s /bin\n" + INIT);
    for (String name :
        List.of("transport-api", "transport-base", "transport-vsock", "lib-junixsocket")) {
      copy(Bundles.named(name), overlay.resolve("vsock/modules/" + name + ".jar"));
    }
    Path classes = Reactor.root().resolve("itest/target/test-classes/dev/fairlead/itest");
    try (Stream<Path> files = Files.list(classes)) {
      for (Path file : files.filter(VsockInGuestIT::isProgram).toList()) {
        copy(file, overlay.resolve("vsock/classes/dev/fairlead/itest/" + file.getFileName()));
      }
    }
    Path loopback = overlay.resolve("vsock/vsock_loopback.ko");
    shell(
        "dpkg-deb --fsys-tarfile \"$1\" | tar -xO --wildcards '*/vsock_loopback.ko' > \"$2\"",
        kernelPackage(),
        loopback);
    assertThat(loopback).isNotEmptyFile();
    Path initramfs = folder.resolve("initramfs");
    // Two archives, one behind the other: of a file that is in both, the second's counts.
    shell(
        "cp \"$1\" \"$3\" && cd \"$2\" && find . | cpio -o -H newc --quiet | lz4 -l -q >> \"$3\"",
        Path.of(field(image, "initramfs")),
        overlay,
        initramfs);
    String console = boot(Path.of(field(image, "kernel")), initramfs);
    assertThat(console)
        .contains("module dev.fairlead.transport.vsock")
        .contains("VSOCK-OK", "program ended with 0");
    Matcher flow =
        Pattern.compile("messages of 200 B there and back in (\\d+) ms").matcher(console);
    assertThat(flow.find()).isTrue();
    Files.writeString(
        Reactor.root().resolve("itest/target/vsock-device.json"),
        """
        {"device":"vsock_loopback","where":"inside a guest","millis":%s,"vhost-vsock-pci":%b,"vhost-user-vsock-pci":%b}
        """
            .formatted(
                flow.group(1),
                Files.isWritable(Path.of("/dev/vhost-vsock")),
                has("vhost-device-vsock")));
  }

  private static boolean isProgram(Path file) {
    return file.getFileName().toString().startsWith("VsockGuestProgram");
  }

  private static boolean has(String program) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1))
        .anyMatch(place -> Files.isExecutable(Path.of(place, program)));
  }

  /**
   * The guest that demos boot: it has busybox, a Java, and the modules of vsock but the loopback.
   */
  private String image() throws IOException, InterruptedException {
    Path json = folder.resolve("image.json");
    Path place = Files.createDirectories(folder.resolve("image"));
    try (FairleadCommand command =
        FairleadCommand.start(place, "image", "--json", json.toString())) {
      assertThat(command.await(10)).as(command.said()).isZero();
    }
    return Files.readString(json);
  }

  private static String field(String json, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]+)\"").matcher(json);
    assertThat(matcher.find()).as("%s in %s", name, json).isTrue();
    return matcher.group(1);
  }

  private static Path kernelPackage() throws IOException {
    Path downloads = Reactor.root().resolve(".fairlead/cache/downloads");
    try (Stream<Path> files = Files.list(downloads)) {
      return files
          .filter(file -> file.getFileName().toString().matches("linux-image.*\\.deb"))
          .findFirst()
          .orElseThrow();
    }
  }

  private String boot(Path kernel, Path initramfs) throws IOException, InterruptedException {
    Path console = folder.resolve("console.log");
    Process qemu =
        new ProcessBuilder(
                List.of(
                    "qemu-system-x86_64",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none",
                    "-M",
                    "q35",
                    "-accel",
                    "tcg",
                    "-cpu",
                    "max",
                    "-m",
                    "768",
                    "-no-reboot",
                    "-kernel",
                    kernel.toString(),
                    "-initrd",
                    initramfs.toString(),
                    "-append",
                    "console=ttyS0 quiet panic=-1",
                    "-serial",
                    "file:" + console))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("qemu.log").toFile())
            .start();
    try {
      assertThat(qemu.waitFor(5, TimeUnit.MINUTES))
          .as("the guest ends; its console: %s", Files.readString(console))
          .isTrue();
    } finally {
      qemu.destroyForcibly();
    }
    return Files.readString(console) + Files.readString(folder.resolve("qemu.log"));
  }

  private void shell(String script, Path... arguments) throws IOException, InterruptedException {
    List<String> command =
        Stream.concat(
                Stream.of("bash", "-euo", "pipefail", "-c", script, "shell"),
                Stream.of(arguments).map(Path::toString))
            .toList();
    Path log = folder.resolve("shell.log");
    int exit =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start()
            .waitFor();
    assertThat(exit)
        .as("%s\n%s\nmissing programs: apt-get install cpio lz4", script, Files.readString(log))
        .isZero();
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(from, to);
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(text.getBytes(UTF_8));
    }
  }
}
