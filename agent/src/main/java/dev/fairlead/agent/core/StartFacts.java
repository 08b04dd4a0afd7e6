// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.agent.run.Digests;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * What an agent knows when it starts.
 *
 * @param facts public
 * @param credential a secret; the text form hides it
 */
public record StartFacts(BootFacts facts, String credential) {

  private static final int MAX_CREDENTIAL = 16 * 1024;

  /**
   * Reads the facts, and the credential by the channel that they name.
   *
   * @param commandLine a file such as {@code /proc/cmdline}
   * @param credentialFile where the credential lies unless it is on the command line
   * @throws ProtocolException when a fact is missing, malformed or there twice, or the credential
   *     is absent or not the one whose digest is among the facts
   */
  public static StartFacts read(Path commandLine, Path credentialFile) {
    BootFacts facts =
        BootFacts.parse(
            bytes(
                commandLine,
                BootFacts.MAX_BYTES,
                "no-facts",
                "start the VM with the facts on its kernel command line"));
    String secret = facts.secret();
    if (secret != null) {
      return new StartFacts(facts, secret);
    }
    byte[] content =
        bytes(
            credentialFile,
            MAX_CREDENTIAL,
            "no-credential",
            "it should have come by channel " + facts.channel().wireName());
    String digest = HexFormat.of().formatHex(Digests.sha2().digest(content));
    if (!digest.equals(facts.credentialSha256())) {
      throw new ProtocolException(
          "digest-mismatch",
          "The credential in %s is not the one whose digest is on the command line."
              .formatted(credentialFile));
    }
    return new StartFacts(facts, new String(content, US_ASCII));
  }

  private static byte[] bytes(Path file, int most, String code, String advice) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new ProtocolException(code, "%s has more than %d bytes.".formatted(file, most));
      }
      return bytes;
    } catch (IOException e) {
      throw new ProtocolException(code, "%s cannot be read; %s.".formatted(file, advice), e);
    }
  }

  @Override
  public String toString() {
    return "StartFacts[facts=" + facts + "]";
  }
}
