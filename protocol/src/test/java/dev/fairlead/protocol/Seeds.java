// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** The literal inputs that users have. */
final class Seeds {

  private Seeds() {}

  static byte[] read(String name) {
    try (InputStream in = Seeds.class.getResourceAsStream("/seeds/" + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
