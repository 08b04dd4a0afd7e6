// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;

/**
 * A digest of everything that an image is made of. Each part is preceded by its length, so that no
 * two lists of parts look alike.
 */
final class CacheKey {

  private final MessageDigest digest = Digests.sha256();

  CacheKey text(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    digest.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
    digest.update(bytes);
    return this;
  }

  /** A file, by its name and content, wherever it lies. */
  CacheKey file(Path file) throws IOException {
    return text(String.valueOf(file.getFileName())).text(Digests.of(file));
  }

  String value() {
    return Digests.hex(digest);
  }
}
