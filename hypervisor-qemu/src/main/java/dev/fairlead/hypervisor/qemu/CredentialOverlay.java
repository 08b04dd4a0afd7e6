// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.qemu.cpio.CpioWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * The small cpio that carries a credential into the guest, joined in front of the initrd. It has
 * one size whatever the credential's length, for the initrd's size enters the measurement of the
 * kernel (PCR 4), and a credential's length shall not. The kernel skips the zeros behind it.
 */
final class CredentialOverlay {

  /** The size of every overlay, in bytes: a multiple of 4, as the kernel wants it. */
  static final int SIZE = 16 * 1024;

  private CredentialOverlay() {}

  /**
   * Makes one that holds {@code /fairlead/credential}, readable to root alone.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code credential-too-long}
   */
  static byte[] of(byte[] credential) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(SIZE);
    try (CpioWriter cpio = new CpioWriter(bytes, 0)) {
      cpio.directory("fairlead", 0700);
      cpio.file("fairlead/credential", 0400, credential);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (bytes.size() > SIZE) {
      throw new HypervisorException(
          HypervisorException.Category.REFUSED,
          "credential-too-long",
          "The credential has %d bytes, of about %d that fit; issue a shorter one."
              .formatted(credential.length, SIZE - 512));
    }
    return Arrays.copyOf(bytes.toByteArray(), SIZE);
  }
}
