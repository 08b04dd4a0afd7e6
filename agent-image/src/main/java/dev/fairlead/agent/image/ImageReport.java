// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An image, ready to boot.
 *
 * @param key digest of all inputs: 64 hexadecimal digits
 * @param kernel the file to boot
 * @param initramfs the file to boot it with
 * @param kernelPackage name and version of Debian's package
 * @param kernelPackageSha256 as Debian's index gives it, checked
 * @param kernelSha256 of the kernel's file, 64 hexadecimal digits
 * @param initramfsSha256 of the initramfs's file, 64 hexadecimal digits
 * @param kernelBytes size of the kernel's file
 * @param initramfsBytes size of the initramfs's file
 * @param parts sizes in bytes by part of the initramfs, before compression
 * @param classData whether Java starts from an archive of its classes, or why not
 * @param fromCache whether nothing had to be built
 * @param duration of this call
 */
public record ImageReport(
    String key,
    Path kernel,
    Path initramfs,
    String kernelPackage,
    String kernelPackageSha256,
    String kernelSha256,
    String initramfsSha256,
    long kernelBytes,
    long initramfsBytes,
    Map<String, Long> parts,
    String classData,
    boolean fromCache,
    Duration duration) {

  /** How {@link #classData} begins for an image whose archive is in it. */
  public static final String INCLUDED = "included";

  /** Keeps the order of the parts. */
  public ImageReport {
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** Whether Java starts from an archive of its classes: about 1.5 s earlier. */
  public boolean classDataIncluded() {
    return classData.startsWith(INCLUDED);
  }

  /**
   * The least memory with which it boots, in MiB: the kernel unpacks the initramfs into half of the
   * memory at most. What the agent's work needs comes on top.
   */
  public int leastMemoryMib() {
    long bytes = parts.values().stream().mapToLong(Long::longValue).sum();
    return Math.toIntExact(2 * bytes / (1L << 20)) + 64;
  }
}
