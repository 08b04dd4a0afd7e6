// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * When senders forget what they sent. A deployment says it once, in a setting that several modules
 * read; this is how each of them reads it.
 */
public enum Forget {
  /** When the receiver has stored it. */
  DELIVERED,
  /** When the transport's peer has stored it: see {@link Transport#sendStored}. */
  STORED;

  /**
   * Reads a setting's word, {@code delivered} or {@code stored} in whatever case.
   *
   * @param setting its name, for the sentence
   * @param word null or blank where nothing was set
   * @param otherwise what holds then
   * @throws TransportException {@code REFUSED}, code {@code bad-setting}, for any other word
   */
  public static Forget read(String setting, @Nullable String word, Forget otherwise) {
    if (word == null || word.isBlank()) {
      return otherwise;
    }
    return switch (word.strip().toLowerCase(Locale.ROOT)) {
      case "delivered" -> DELIVERED;
      case "stored" -> STORED;
      default ->
          throw new TransportException(
              REFUSED,
              "bad-setting",
              "Setting '" + setting + "' is neither 'delivered' nor 'stored'.");
    };
  }
}
