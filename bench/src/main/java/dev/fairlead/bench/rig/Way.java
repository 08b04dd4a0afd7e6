// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** A process's way to the others: the transport that it was told to use. */
public final class Way {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Way() {}

  /** Before the name of a setting of the transport: a word that gives it. */
  public static final String SETTING = "set.";

  /** Has a switchboard use it; the rest happens in the background. */
  public static void use(Switchboard switchboard, Words words, String credential, Addresses own) {
    String name = words.get(Words.TRANSPORT);
    TransportProvider provider =
        ServiceLoader.load(TransportProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(one -> one.name().equals(name))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("There is no transport " + name + "."));
    var unused =
        switchboard.use(provider, setting -> setting(setting, words, credential, own), PATIENCE);
  }

  private static @Nullable String setting(
      String name, Words words, String credential, Addresses own) {
    return switch (name) {
      case TransportProvider.ENDPOINT -> words.get(Words.ENDPOINT);
      case TransportProvider.CREDENTIAL -> credential;
      case TransportProvider.REPLIES -> own.replies();
      case TransportProvider.CA_SHA256 -> words.find(Words.CA);
      default -> words.find(SETTING + name);
    };
  }
}
