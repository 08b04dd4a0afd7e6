// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.json.Json;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LinesTest {

  @Test
  void noTwoLinesAreAlikeAndEachIsJson() {
    MessageDigest digest = Lines.digest();
    Set<Long> hashes = new HashSet<>();
    for (int computation = 1; computation <= 3; computation++) {
      for (int run = 1; run <= 3; run++) {
        Lines lines = new Lines("c" + computation, run, 7);
        for (int sequence = 1; sequence <= 2000; sequence++) {
          byte[] line = lines.line(sequence);
          assertThat(hashes.add(Lines.hash(digest, line))).isTrue();
        }
      }
    }
    byte[] one = new Lines("c1", 1, 7).line(17);
    assertThat(Json.parseObject(one, 1024).string("line")).isEqualTo("c1.1.17");
    assertThat(one).isEqualTo(new Lines("c1", 1, 7).line(17));
  }

  @Test
  void hashIsTheBeginningOfTheSha256() {
    assertThat(Lines.hex(Lines.hash(Lines.digest(), new byte[0]))).isEqualTo("e3b0c44298fc1c14");
  }
}
