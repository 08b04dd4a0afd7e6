// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What the settings say is to be told to others when this end is gone. */
public final class LastWill {

  private static final int MAX_PAYLOAD = 4096;

  private LastWill() {}

  /**
   * Reads and checks it.
   *
   * @return null where there is none
   * @throws TransportException {@code REFUSED}, code {@code bad-setting} for a text that is too
   *     long, or that of {@link Message#requireAddress}
   */
  public static @Nullable Message read(Function<String, @Nullable String> settings) {
    String address = settings.apply(TransportProvider.WILL_ADDRESS);
    if (address == null || address.isBlank()) {
      return null;
    }
    String text = settings.apply(TransportProvider.WILL_PAYLOAD);
    byte[] payload = (text == null ? "" : text).getBytes(UTF_8);
    if (payload.length > MAX_PAYLOAD) {
      throw new TransportException(
          REFUSED,
          "bad-setting",
          "Setting '%s' is longer than %d bytes."
              .formatted(TransportProvider.WILL_PAYLOAD, MAX_PAYLOAD));
    }
    return new Message(Message.requireAddress(address), payload);
  }
}
