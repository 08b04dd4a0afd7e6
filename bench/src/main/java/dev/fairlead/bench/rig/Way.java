// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ServiceLoader;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A process's way to the others: the transport that it was told to use. */
public final class Way {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Way() {}

  /** Before the name of a setting of the transport: a word that gives it. */
  public static final String SETTING = "set.";

  /** What uses a transport: a switchboard, or several in one. */
  @FunctionalInterface
  public interface User {
    /** As {@link Switchboard#use}. */
    CompletionStage<Void> use(
        TransportProvider provider, Function<String, @Nullable String> settings, Duration patience);
  }

  /** Has one of several transports used, as the words say of it. */
  public static CompletionStage<Void> use(User user, Words words, String name, Addresses own)
      throws IOException {
    String file = Files.readString(words.path(Words.CREDENTIAL_FILE + "." + name), UTF_8);
    return use(user, words, name, file.strip(), own);
  }

  /** Has one of several transports used, with one of several credentials. */
  public static CompletionStage<Void> use(
      User user, Words words, String name, String credential, Addresses own) {
    String of = "." + name;
    return user.use(
        provider(name),
        setting ->
            switch (setting) {
              case TransportProvider.ENDPOINT -> words.get(Words.ENDPOINT + of);
              case TransportProvider.CREDENTIAL -> credential;
              case TransportProvider.REPLIES -> own.replies();
              case TransportProvider.CA_SHA256 -> words.find(Words.CA + of);
              default -> words.find(SETTING + setting);
            },
        PATIENCE);
  }

  /** Has a switchboard use it; the rest happens in the background. */
  public static void use(Switchboard switchboard, Words words, String credential, Addresses own) {
    String name = words.get(Words.TRANSPORT);
    var unused =
        switchboard.use(
            provider(name), setting -> setting(setting, words, credential, own), PATIENCE);
  }

  private static TransportProvider provider(String name) {
    return ServiceLoader.load(TransportProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("There is no transport " + name + "."));
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
