// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestImageTest {

  @TempDir private Path folder;
  private Path kernel;
  private Path initramfs;

  @BeforeEach
  void anImage() throws IOException {
    byte[] head = new byte[0x300];
    System.arraycopy(
        "HdrS".getBytes(java.nio.charset.StandardCharsets.US_ASCII), 0, head, 0x202, 4);
    kernel = Files.write(folder.resolve("vmlinuz"), head);
    initramfs = Files.write(folder.resolve("initramfs"), new byte[] {2, 0x21, 0x4c, 0x18, 1, 2, 3});
  }

  @Test
  void acceptsWhatIsWhole() throws IOException {
    image(Optional.empty(), Optional.empty()).check();
    image(Optional.of(GuestImage.sha256(kernel)), Optional.of(GuestImage.sha256(initramfs)))
        .check();
  }

  @Test
  void namesWhatIsMissing() throws IOException {
    Files.delete(initramfs);
    refused("image-missing", image(Optional.empty(), Optional.empty()), "initramfs");
  }

  @Test
  void refusesHalfAKernel() throws IOException {
    Files.write(kernel, new byte[100]);
    refused("image-corrupt", image(Optional.empty(), Optional.empty()), "vmlinuz");
  }

  @Test
  void refusesWhatTheKernelCannotUnpack() throws IOException {
    Files.write(initramfs, new byte[100]);
    refused("image-corrupt", image(Optional.empty(), Optional.empty()), "initramfs");
    Files.write(initramfs, new byte[0]);
    refused("image-corrupt", image(Optional.empty(), Optional.empty()), "initramfs");
  }

  @Test
  void refusesAnotherThanExpected() {
    refused("image-corrupt", image(Optional.of("00"), Optional.empty()), "vmlinuz has SHA-256");
    refused("image-corrupt", image(Optional.empty(), Optional.of("00")), "initramfs has SHA-256");
  }

  @Test
  void anOverlayComesFirst() throws IOException {
    Path joined = Files.createFile(folder.resolve("joined"));
    image(Optional.empty(), Optional.empty()).join(new byte[] {9, 9, 9, 9}, joined);
    assertThat(joined).hasBinaryContent(new byte[] {9, 9, 9, 9, 2, 0x21, 0x4c, 0x18, 1, 2, 3});
  }

  private GuestImage image(Optional<String> kernelSha256, Optional<String> initramfsSha256) {
    return new GuestImage(kernel, initramfs, kernelSha256, initramfsSha256);
  }

  private static void refused(String code, GuestImage image, String text) {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(image::check)
        .satisfies(e -> assertThat(e.code()).isEqualTo(code))
        .withMessageContaining(text);
  }
}
