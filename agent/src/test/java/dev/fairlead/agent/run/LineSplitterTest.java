// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineSplitterTest {

  private static List<String> split(byte[] bytes, int longest) throws Exception {
    List<String> lines = new ArrayList<>();
    new LineSplitter(longest).read(new ByteArrayInputStream(bytes), lines::add);
    return lines;
  }

  @Test
  void keepsEmptyLinesAndTheLastOneWithoutNewline() throws Exception {
    assertThat(split("a\n\nb\n\n\nc".getBytes(UTF_8), 100))
        .containsExactly("a", "", "b", "", "", "c");
    assertThat(split(new byte[0], 100)).isEmpty();
    assertThat(split("\n".getBytes(UTF_8), 100)).containsExactly("");
  }

  @Test
  void cutsLongLinesBetweenCharactersWhateverTheirLength() throws Exception {
    String text = "aä€𝄞".repeat(50);
    for (int longest = 4; longest < 40; longest++) {
      List<String> pieces = split((text + "\n").getBytes(UTF_8), longest);
      assertThat(String.join("", pieces)).isEqualTo(text);
      for (String piece : pieces) {
        assertThat(piece.getBytes(UTF_8).length).isBetween(1, longest);
      }
    }
  }

  @Test
  void aLineOfExactlyTheLimitIsOnePiece() throws Exception {
    assertThat(split("12345678\n9".getBytes(UTF_8), 8)).containsExactly("12345678", "9");
  }

  @Test
  void bytesThatAreNoTextAreReplacedAndNothingIsLost() throws Exception {
    byte[] rubbish = new byte[1000];
    java.util.Arrays.fill(rubbish, (byte) 0x80);
    assertThat(String.join("", split(rubbish, 16))).isEqualTo("\uFFFD".repeat(1000));
    byte[] starts = new byte[100];
    java.util.Arrays.fill(starts, (byte) 0xF0);
    assertThat(String.join("", split(starts, 16))).isEqualTo("\uFFFD".repeat(100));
  }
}
