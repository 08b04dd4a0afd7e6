// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WarmupTest {

  @Test
  void greetsWithKeysAndSigns() throws Exception {
    // The two public keys that it offers make 97 bytes alone.
    assertThat(Warmup.hello()).isGreaterThan(200);
    assertThat(Warmup.sign()).isEqualTo(64);
  }

  @Test
  void isOnlyDoneWhereItIsWanted() {
    assertThat(Boolean.getBoolean(Warmup.WANTED)).isFalse();

    Warmup.begin();

    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().equals("fairlead-warmup"));
  }
}
