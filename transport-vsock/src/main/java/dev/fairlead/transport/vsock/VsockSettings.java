// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.LastWill;
import dev.fairlead.transport.vsock.wire.Place;
import dev.fairlead.transport.vsock.wire.Wire;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the settings say at one connect, checked.
 *
 * @param credential empty where none was given
 * @param lastWill null where there is none
 */
record VsockSettings(Place hub, String credential, @Nullable Message lastWill) {

  /**
   * Reads and checks all settings.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting}
   */
  static VsockSettings read(Function<String, @Nullable String> settings) {
    Place hub = hub(settings.apply(TransportProvider.ENDPOINT));
    if (settings.apply(TransportProvider.CA_SHA256) != null) {
      throw bad(
          TransportProvider.CA_SHA256,
          "is given, but the hub shows no certificate: leave it out, or choose another transport");
    }
    String replies = settings.apply(TransportProvider.REPLIES);
    if (replies != null && !replies.isBlank()) {
      Message.requirePattern(replies);
    }
    Message lastWill = LastWill.read(settings);
    String credential = settings.apply(TransportProvider.CREDENTIAL);
    if (credential == null || credential.isBlank()) {
      return new VsockSettings(hub, "", lastWill);
    }
    if (credential.length() > Wire.MAX_CREDENTIAL
        || !credential.chars().allMatch(c -> c > ' ' && c <= '~')) {
      throw bad(TransportProvider.CREDENTIAL, "is nothing that an issuer of this transport gave");
    }
    return new VsockSettings(hub, credential, lastWill);
  }

  private static Place hub(@Nullable String endpoint) {
    if (endpoint == null) {
      throw bad(
          TransportProvider.ENDPOINT, "is missing: give vsock://<cid>:<port> or unix:///<path>");
    }
    Place place = Place.parse(endpoint);
    if (place == null || (place instanceof Place.Machine machine && machine.port() < 0)) {
      throw bad(
          TransportProvider.ENDPOINT,
          "is neither vsock://<cid>:<port> nor unix:///<path> of at most "
              + Place.MAX_PATH
              + " bytes");
    }
    return place;
  }

  private static TransportException bad(String setting, String what) {
    return new TransportException(
        REFUSED, "bad-setting", "Setting '" + setting + "' " + what + ".");
  }
}
