// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlaceTest {

  @Test
  void bothKindsAreRead() {
    assertThat(Place.parse("vsock://2:9998")).isEqualTo(new Place.Machine(2, 9998));
    assertThat(Place.parse("vsock://42")).isEqualTo(new Place.Machine(42, -1));
    assertThat(Place.parse("unix:///run/a%20b.sock"))
        .isEqualTo(new Place.Unix(Path.of("/run/a b.sock")));
    Place odd = new Place.Unix(Path.of("/run/a %b\n?#é.sock"));
    assertThat(odd.toString()).doesNotContain(" ", "\n");
    assertThat(Place.parse(odd.toString())).isEqualTo(odd);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "vsock://",
        "vsock://host:1",
        "vsock://4294967295:1",
        "vsock://1:99999999999",
        "vsock://-1:1",
        "vsock://2:1/x",
        "unix://host/x",
        "unix:x",
        "unix:///",
        "unix:///a?b",
        "unix:///a\u0000b",
        "tcp://127.0.0.1:1",
        "::"
      })
  void whatIsNeitherIsNot(String text) {
    assertThat(Place.parse(text)).isNull();
  }

  @Test
  void longestPathIsWhatTheKernelHasRoomFor() {
    String path = "/" + "a".repeat(Place.MAX_PATH - 1);
    assertThat(Place.parse("unix://" + path)).isNotNull();
    assertThat(Place.parse("unix://" + path + "a")).isNull();
  }
}
