// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import org.junit.jupiter.api.Test;

class CredentialOverlayTest {

  @Test
  void hasOneSizeWhateverTheCredential() {
    for (int length : new int[] {0, 1, 1397, 15_000}) {
      assertThat(CredentialOverlay.of(new byte[length])).hasSize(CredentialOverlay.SIZE);
    }
    assertThat(new String(CredentialOverlay.of("s3cret".getBytes(US_ASCII)), US_ASCII))
        .startsWith("070701")
        .contains("00008100", "fairlead/credential", "s3cret", "TRAILER!!!");
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> CredentialOverlay.of(new byte[CredentialOverlay.SIZE]))
        .satisfies(e -> assertThat(e.code()).isEqualTo("credential-too-long"));
  }
}
