// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class NkeysTest {

  @Test
  void base32IsThatOfTheStandard() {
    // RFC 4648, section 10, without its padding.
    String[][] vectors = {
      {"", ""},
      {"f", "MY"},
      {"fo", "MZXQ"},
      {"foo", "MZXW6"},
      {"foob", "MZXW6YQ"},
      {"fooba", "MZXW6YTB"},
      {"foobar", "MZXW6YTBOI"}
    };
    for (String[] vector : vectors) {
      assertThat(Nkeys.base32(vector[0].getBytes(US_ASCII))).isEqualTo(vector[1]);
      assertThat(new String(Nkeys.unbase32(vector[1]), US_ASCII)).isEqualTo(vector[0]);
    }
  }

  @Test
  void crcIsXmodem() {
    byte[] check = "123456789".getBytes(US_ASCII);
    assertThat(Nkeys.crc16(check, check.length)).isEqualTo(0x31c3);
  }

  @Test
  void whatIsNoSeedIsRefusedAndNotQuoted() {
    String almost = "SUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (String text :
        new String[] {"", "SU", almost, almost + "A", "!".repeat(58), "é".repeat(58)}) {
      assertThatThrownBy(() -> Nkeys.secret(text))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageNotContaining("AAAA");
    }
  }
}
