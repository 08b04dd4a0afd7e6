// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.roundtrip;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Starts a transport's broker or hub, lets itself in, sends a message and waits for it. {@code java
 * -p … -m dev.fairlead.roundtrip/dev.fairlead.roundtrip.Main nats dir=/tmp/broker}: the transport's
 * name, then settings of its access side.
 */
public final class Main {

  private static final long PATIENCE_SECONDS = 30;
  private static final String SUBJECT = "traveller";
  private static final String ADDRESS = "example/traveller/up/events";

  private Main() {}

  /** Prints what has come back; exit status 0 when it is what was sent. */
  public static void main(String[] words)
      throws ExecutionException, InterruptedException, TimeoutException {
    if (words.length == 0) {
      throw new IllegalArgumentException("Name a transport, then settings as name=value.");
    }
    Map<String, String> settings = new HashMap<>();
    for (String word : List.of(words).subList(1, words.length)) {
      int equals = word.indexOf('=');
      settings.put(word.substring(0, equals), word.substring(equals + 1));
    }
    String sent = "Hello over " + words[0] + ".";
    String received = send(words[0], settings, sent);
    System.out.println(received);
    System.exit(received.equals(sent) ? 0 : 1);
  }

  private static String send(String name, Map<String, String> settings, String text)
      throws ExecutionException, InterruptedException, TimeoutException {
    AccessProvider access = find(AccessProvider.class, AccessProvider::name, name);
    TransportProvider provider = find(TransportProvider.class, TransportProvider::name, name);
    try (CredentialIssuer issuer = access.open(settings::get)) {
      List<String> own = List.of("example/" + SUBJECT + "/**");
      Credential credential = issuer.issue(new Grant(SUBJECT, own, own), Duration.ofMinutes(5));
      Map<String, String> mine = new HashMap<>();
      mine.put(TransportProvider.ENDPOINT, issuer.endpoint().uri().toString());
      mine.put(TransportProvider.CREDENTIAL, credential.content());
      mine.put(TransportProvider.REPLIES, "example/" + SUBJECT);
      String ca = issuer.endpoint().caSha256();
      if (ca != null) {
        mine.put(TransportProvider.CA_SHA256, ca);
      }
      CompletableFuture<Void> connected = new CompletableFuture<>();
      try (Transport transport = provider.open(mine::get, new Connected(connected))) {
        CompletableFuture<String> received = new CompletableFuture<>();
        transport.subscribe(ADDRESS, it -> received.complete(new String(it.bytes(), UTF_8)));
        connected.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        transport.send(new Message(ADDRESS, text.getBytes(UTF_8))).toCompletableFuture().join();
        return received.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      }
    }
  }

  private static <T> T find(Class<T> type, Function<T, String> name, String wanted) {
    return ServiceLoader.load(type).stream()
        .map(ServiceLoader.Provider::get)
        .filter(each -> name.apply(each).equals(wanted))
        .findFirst()
        .orElseThrow(
            () ->
                new NoSuchElementException(
                    "There is no transport '%s' on the module path.".formatted(wanted)));
  }

  /** Tells when there is a connection, and prints why there is none. */
  private record Connected(CompletableFuture<Void> connected) implements TransportListener {
    @Override
    public void stateChanged(Transport.State state, String reason) {
      System.err.println(state + ": " + reason);
      if (state == Transport.State.CONNECTED) {
        connected.complete(null);
      }
    }

    @Override
    public void refused(@Nullable String address, TransportException refusal) {
      System.err.println("refused: " + refusal.getMessage());
    }
  }
}
