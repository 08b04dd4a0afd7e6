// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Builds images and boots them in QEMU, emulated. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ImageIT {

  private static final Duration LIMIT = Duration.ofMinutes(3);

  private Path folder;
  private ImageReport image;
  private int boots;

  @BeforeAll
  void build(@TempDir Path folder) throws IOException {
    this.folder = folder;
    image = SampleImage.build(folder.resolve("cache"), folder.resolve("jars"));
  }

  @Test
  void anotherFolderTimeZoneUmaskAndTimeGiveTheSameBytes() throws Exception {
    Path cache = folder.resolve("some/deeper folder/cache");
    List<String> java =
        List.of(
            Paths.get(System.getProperty("java.home"), "bin/java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            SampleImage.class.getName(),
            cache.toString(),
            folder.resolve("other jars").toString());
    List<String> words = new ArrayList<>(List.of("sh", "-c", "umask 077; exec \"$@\"", "sh"));
    words.addAll(java);
    ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
    builder.environment().put("TZ", "Pacific/Chatham");
    builder.environment().put("LC_ALL", "C");
    Path output = folder.resolve("second.txt");
    Process second = builder.redirectOutput(output.toFile()).start();
    try {
      assertThat(second.waitFor(5, TimeUnit.MINUTES)).isTrue();
    } finally {
      second.destroyForcibly();
    }
    String said = Files.readString(output);
    assertThat(second.exitValue()).as(said).isZero();
    assertThat(said)
        .contains("key=" + image.key())
        .contains("fromCache=false")
        .contains("kernelSha256=" + image.kernelSha256())
        .contains("initramfsSha256=" + image.initramfsSha256());
    assertThat(
            Files.mismatch(image.initramfs(), cache.resolve(image.key() + "/initramfs.cpio.lz4")))
        .isEqualTo(-1);
  }

  @Test
  void theSameInputsAreBuiltOnce() throws IOException {
    ImageReport again = SampleImage.build(folder.resolve("cache"), folder.resolve("more jars"));
    assertThat(again.fromCache()).isTrue();
    assertThat(again.initramfsSha256()).isEqualTo(image.initramfsSha256());
    assertThat(image.initramfsBytes()).isLessThan(60_000_000);
    assertThat(image.parts()).containsKeys("java", "classData", "bundles", "busybox", "modules");
    try (var list = Files.list(folder.resolve("cache"))) {
      assertThat(list.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(".lock", "downloads", image.key());
    }
  }

  @Test
  void theGuestIsAsPromisedAndAGoodEndPowersOff() throws Exception {
    try (Guest guest =
        boot(
            "sample.do=exit-0 JAVA_TOOL_OPTIONS=-Dtool.option=set JDK_JAVA_OPTIONS=-Dx=y"
                + " fairlead.hosts=broker.fairlead:10.0.2.100,bad_name:10.0.2.101,b:x,$(id):1")) {
      guest.awaitEnd();
      assertThat(guest.console())
          .contains("fairlead: guest alive")
          .contains(
              "sample: environment {FAIRLEAD_WORK=/work, HOME=/root, LANG=C.UTF-8, PATH=/bin}")
          .contains("sample: tool option null")
          .contains("sample: arguments /app/deployment|two words")
          .contains("sample: deployment a deployment")
          .contains("sample: hosts 127.0.0.1 localhost;10.0.2.100 broker.fairlead;\n")
          .contains("sample: credential a secret [OWNER_READ]")
          .contains("sample: cmdline mode [OWNER_READ]")
          .containsPattern("sample: controllers .*memory.*pids");
      if (image.classDataIncluded()) {
        assertThat(guest.console()).containsPattern("sample: java .*sharing");
      }
      assertThat(guest.qmp())
          .contains("\"reason\": \"guest-shutdown\"")
          .doesNotContain("GUEST_PANICKED");
    }
  }

  @Test
  void aBadEndPanics() throws Exception {
    try (Guest guest = boot("sample.do=exit-3")) {
      guest.awaitEnd();
      assertThat(guest.console()).contains("fairlead: the agent ended with code 3");
      assertThat(guest.qmp()).contains("GUEST_PANICKED").contains("\"reason\": \"guest-panic\"");
    }
  }

  @Test
  void thePowerButtonPowersOff() throws Exception {
    try (Guest guest = boot("sample.do=wait")) {
      await().atMost(LIMIT).until(() -> guest.console().contains("sample: waits"));
      guest.say("{\"execute\":\"system_powerdown\"}");
      guest.awaitEnd();
      assertThat(guest.qmp())
          .contains("\"reason\": \"guest-shutdown\"")
          .doesNotContain("GUEST_PANICKED");
    }
  }

  private Guest boot(String words) throws IOException {
    boots++;
    Path run = Files.createDirectory(folder.resolve("run-" + boots));
    Path secret = Files.writeString(run.resolve("secret"), "a secret");
    Path qmp = run.resolve("qmp.txt");
    Path console = Files.createFile(run.resolve("console.log"));
    List<String> command = new ArrayList<>(List.of("qemu-system-x86_64", "-nodefaults"));
    command.addAll(List.of("-no-user-config", "-display", "none", "-M", "q35", "-accel", "tcg"));
    command.addAll(List.of("-cpu", "max", "-smp", "1", "-m", "512", "-no-reboot"));
    command.addAll(List.of("-kernel", image.kernel().toString()));
    command.addAll(List.of("-initrd", image.initramfs().toString()));
    command.addAll(List.of("-append", "console=ttyS0 quiet panic=-1 " + words));
    command.addAll(List.of("-netdev", "user,id=n0,restrict=on"));
    command.addAll(List.of("-device", "virtio-net-pci,netdev=n0,romfile="));
    command.addAll(List.of("-device", "virtio-rng-pci", "-device", "pvpanic-pci"));
    command.addAll(List.of("-fw_cfg", "name=opt/fairlead/credential,file=" + secret));
    command.addAll(List.of("-serial", "file:" + console, "-qmp", "stdio"));
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(qmp.toFile())
              .start();
    } catch (IOException e) {
      throw new IOException("apt-get install -y --no-install-recommends qemu-system-x86", e);
    }
    Guest guest = new Guest(process, console, qmp);
    guest.say("{\"execute\":\"qmp_capabilities\"}");
    return guest;
  }

  private record Guest(Process process, Path consoleFile, Path qmpFile) implements AutoCloseable {

    void say(String command) throws IOException {
      OutputStream in = process.getOutputStream();
      in.write((command + "\n").getBytes(UTF_8));
      in.flush();
    }

    String console() throws IOException {
      return Files.readString(consoleFile).replace("\r", "");
    }

    String qmp() throws IOException {
      return Files.readString(qmpFile);
    }

    void awaitEnd() throws Exception {
      assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).as(console()).isTrue();
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }
}
