// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.agent.run.Digests;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.BootFacts.Channel;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartFactsTest {

  private static final String SECRET = "the-credential";

  @TempDir Path directory;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  private static String line(Channel channel) {
    String digest = HexFormat.of().formatHex(Digests.sha2().digest(SECRET.getBytes(UTF_8)));
    return "quiet console=ttyS0 "
        + new BootFacts(
                "c1",
                "fl",
                "memory",
                List.of(new TransportFact("memory", URI.create("memory:hub"), null)),
                channel,
                digest,
                channel == Channel.CMDLINE ? SECRET : null,
                List.of())
            .toCommandLine()
        + "\n";
  }

  @Test
  void readsTheCredentialByItsChannel() throws Exception {
    Path credential = write("credential", SECRET);
    for (Channel channel : Channel.values()) {
      StartFacts facts = StartFacts.read(write("cmdline", line(channel)), credential);
      assertThat(facts.credential()).isEqualTo(SECRET);
      assertThat(facts.facts().computation()).isEqualTo("c1");
      assertThat(facts.toString()).doesNotContain(SECRET);
    }
  }

  @Test
  void anotherCredentialThanTheMeasuredOneIsRefused() throws Exception {
    Path line = write("cmdline", line(Channel.INITRD));
    assertThatThrownBy(() -> StartFacts.read(line, write("credential", SECRET + "x")))
        .isInstanceOf(ProtocolException.class)
        .extracting("code")
        .isEqualTo("digest-mismatch");
    assertThatThrownBy(() -> StartFacts.read(line, directory.resolve("absent")))
        .isInstanceOf(ProtocolException.class)
        .extracting("code")
        .isEqualTo("no-credential");
    assertThatThrownBy(() -> StartFacts.read(line, write("large", "x".repeat(100_000))))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void rubbishIsRefusedAndNeverCrashes() throws Exception {
    Path credential = write("credential", SECRET);
    for (String text : List.of("", "quiet", "fairlead.computation=", "x".repeat(10_000_000))) {
      Path line = write("cmdline", text);
      assertThatThrownBy(() -> StartFacts.read(line, credential))
          .isInstanceOf(ProtocolException.class);
    }
  }
}
