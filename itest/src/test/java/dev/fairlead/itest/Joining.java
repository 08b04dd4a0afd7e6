// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How one of the fleet's parties gets onto a transport. */
final class Joining {

  private Joining() {}

  /** What a transport is opened with, with a credential that is issued now. */
  static Function<String, @Nullable String> settings(CredentialIssuer issuer, Addresses own) {
    return settings(issuer, own, credential(issuer, own));
  }

  /** A broker that is just starting on a busy machine may have to be asked again. */
  private static String credential(CredentialIssuer issuer, Addresses own) {
    Grant grant = new Grant(own.party(), own.sends(), own.receives());
    AtomicReference<String> issued = new AtomicReference<>("");
    AtomicReference<String> refusal = new AtomicReference<>("");
    Patience.await(
        () -> "a credential is issued: " + refusal.get(),
        () -> {
          try {
            issued.set(issuer.issue(grant, Duration.ofHours(12)).content());
            return true;
          } catch (TransportException e) {
            if (e.category() != TransportException.Category.RETRY) {
              throw e;
            }
            refusal.set(String.valueOf(e.getMessage()));
            return false;
          }
        });
    return requireNonNull(issued.get());
  }

  /** What a transport is opened with, with a credential that the party has. */
  static Function<String, @Nullable String> settings(
      CredentialIssuer issuer, Addresses own, String credential) {
    Map<String, @Nullable String> settings = new HashMap<>();
    settings.put(TransportProvider.ENDPOINT, issuer.endpoint().uri().toString());
    settings.put(TransportProvider.CREDENTIAL, credential);
    settings.put(TransportProvider.CA_SHA256, issuer.endpoint().caSha256());
    settings.put(TransportProvider.REPLIES, own.replies());
    return settings::get;
  }

  /** Puts a party on a transport; returns when that is its current one. */
  static void join(
      Switchboard board, TransportProvider provider, CredentialIssuer issuer, Addresses own)
      throws Exception {
    done(board.use(provider, settings(issuer, own), Patience.LIMIT));
  }

  /** Waits for what must succeed. */
  static void done(CompletionStage<Void> stage) throws Exception {
    stage.toCompletableFuture().get(Patience.LIMIT.toSeconds(), TimeUnit.SECONDS);
  }
}
