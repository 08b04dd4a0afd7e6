// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.api.TransportException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is stored, as it is set. */
class StoreSettingsTest {

  @ParameterizedTest
  @CsvSource({
    "stored,true",
    "STORED,true",
    "'',true",
    "' ',true",
    "delivered,false",
    "Delivered,false"
  })
  void forgetIsReadInWhateverCase(String word, boolean stores) {
    StoreSettings settings =
        StoreSettings.read(Map.of("store", "fl/*/up/logs", "forget", word)::get);
    assertThat(!settings.isEmpty()).isEqualTo(stores);
  }

  @Test
  void anotherWordIsRefusedByTheNameOfTheSetting() {
    assertThatThrownBy(() -> StoreSettings.read(Map.of("forget", "always")::get))
        .isInstanceOfSatisfying(
            TransportException.class,
            refusal -> {
              assertThat(refusal.category()).isEqualTo(TransportException.Category.REFUSED);
              assertThat(refusal.code()).isEqualTo("bad-setting");
            })
        .hasMessageContaining("'forget'");
  }

  @Test
  void aServerThatDoesNotSayItsVersionIsNotWaitedFor(@TempDir Path folder) throws Exception {
    Path silent = folder.resolve("silent");
    Files.writeString(silent, "#!/bin/sh\nexec sleep 600\n");
    Files.setPosixFilePermissions(silent, PosixFilePermissions.fromString("rwx------"));
    assertThatThrownBy(() -> ServerVersion.requireSync(silent, Duration.ofMillis(200)))
        .isInstanceOf(TransportException.class)
        .hasMessageContaining("within 200 ms");
  }
}
