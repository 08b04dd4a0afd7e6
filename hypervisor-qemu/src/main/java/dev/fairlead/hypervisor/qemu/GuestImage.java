// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The kernel and the initramfs that a guest boots.
 *
 * @param kernelSha256 what the kernel must be, in lower-case hex, where it is known
 * @param initramfsSha256 what the initramfs must be, likewise
 */
record GuestImage(
    Path kernel, Path initramfs, Optional<String> kernelSha256, Optional<String> initramfsSha256) {

  private static final int KERNEL_MAGIC_AT = 0x202;
  private static final byte[] KERNEL_MAGIC = {'H', 'd', 'r', 'S'};
  private static final byte[][] INITRAMFS_MAGICS = {
    {0x02, 0x21, 0x4c, 0x18}, // lz4, the old format: the only one that the kernel takes
    {0x1f, (byte) 0x8b}, // gzip
    {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd}, // zstd
    {(byte) 0xfd, '7', 'z', 'X', 'Z'}, // xz
    {'0', '7', '0', '7', '0', '1'}, // no compression
  };

  /**
   * Looks whether both are there and are what they should be: a guest with half an image hangs, or
   * boots on without half its files.
   *
   * @throws HypervisorException {@code BROKEN}, codes {@code image-missing}, {@code image-corrupt}
   */
  void check() {
    byte[] head = head(kernel, "kernel", KERNEL_MAGIC_AT + KERNEL_MAGIC.length);
    if (head.length < KERNEL_MAGIC_AT + KERNEL_MAGIC.length
        || !Arrays.equals(
            head, KERNEL_MAGIC_AT, head.length, KERNEL_MAGIC, 0, KERNEL_MAGIC.length)) {
      throw corrupt(kernel, "is no x86 kernel");
    }
    byte[] start = head(initramfs, "initramfs", 6);
    if (Arrays.stream(INITRAMFS_MAGICS).noneMatch(magic -> startsWith(start, magic))) {
      throw corrupt(initramfs, "is no initramfs");
    }
    kernelSha256.ifPresent(sha256 -> check(kernel, sha256));
    initramfsSha256.ifPresent(sha256 -> check(initramfs, sha256));
  }

  /** Writes an overlay and this initramfs into one file; the overlay comes first. */
  void join(byte[] overlay, Path target) throws IOException {
    try (FileChannel out = FileChannel.open(target, StandardOpenOption.WRITE);
        FileChannel in = FileChannel.open(initramfs)) {
      out.write(java.nio.ByteBuffer.wrap(overlay));
      long size = in.size();
      for (long at = 0; at < size; ) {
        at += in.transferTo(at, size - at, out);
      }
    }
  }

  /** A file's SHA-256 in lower-case hex. */
  static String sha256(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }

  private static void check(Path file, String sha256) {
    try {
      String is = sha256(file);
      if (!is.equals(sha256)) {
        throw corrupt(file, "has SHA-256 %s, not %s".formatted(is, sha256));
      }
    } catch (IOException e) {
      throw corrupt(file, "cannot be read: " + e.getMessage());
    }
  }

  private static byte[] head(Path file, String what, int bytes) {
    if (!Files.isRegularFile(file)) {
      throw new HypervisorException(
          HypervisorException.Category.BROKEN,
          "image-missing",
          "There is no %s at %s; build the image, or set '%s' of dev.fairlead.hypervisor.qemu."
              .formatted(what, file, what));
    }
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(bytes);
    } catch (IOException e) {
      throw corrupt(file, "cannot be read: " + e.getMessage());
    }
  }

  private static boolean startsWith(byte[] bytes, byte[] magic) {
    return bytes.length >= magic.length
        && Arrays.equals(bytes, 0, magic.length, magic, 0, magic.length);
  }

  private static HypervisorException corrupt(Path file, String why) {
    return new HypervisorException(
        HypervisorException.Category.BROKEN,
        "image-corrupt",
        "%s %s; build the image anew.".formatted(file, why));
  }
}
