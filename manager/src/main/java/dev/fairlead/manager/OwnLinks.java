// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The manager's own links, one over each transport that can be opened: with the settings that it
 * was given, where these suffice for it, else with a credential of the transport's issuer in this
 * process. Providers and issuers come and go in any order; a new one is used before the old one of
 * its name is let go. Safe for use by several threads.
 */
final class OwnLinks implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(OwnLinks.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ManagerLink link;
  private final TransportSettings given;
  private final String first;
  private final Duration lifetime;
  private final InstantSource clock;

  /** By name; guarded by this. */
  private final Map<String, Own> owns = new HashMap<>();

  private boolean closed;

  /** What there is for one transport. */
  private static final class Own {
    @Nullable TransportProvider provider;

    /** Those of its name that are there and are not used, the newest last. */
    final Deque<TransportProvider> spares = new ArrayDeque<>();

    @Nullable CredentialIssuer issuer;
    @Nullable CredentialKeeper keeper;
  }

  /**
   * Makes it, without a transport yet.
   *
   * @param given where to connect; not whole where issuers say so
   * @param first the name of the transport for which these are; empty for any
   * @param lifetime of the credentials that issuers issue
   */
  OwnLinks(
      ManagerLink link,
      TransportSettings given,
      String first,
      Duration lifetime,
      InstantSource clock) {
    this.link = link;
    this.given = given;
    this.first = first;
    this.lifetime = lifetime;
    this.clock = clock;
  }

  /**
   * A transport can be opened. Where one of its name is used already that stays so, until it goes
   * or {@link #reopen} is called.
   */
  synchronized void add(TransportProvider provider) {
    Own own = own(provider.name());
    if (own.provider != null) {
      if (own.provider != provider && !own.spares.contains(provider)) {
        own.spares.add(provider);
      }
      return;
    }
    use(own, provider);
  }

  private void use(Own own, TransportProvider provider) {
    own.provider = provider;
    if (isGiven(provider.name())) {
      link.use(provider, given);
    } else {
      open(own);
    }
  }

  /**
   * A provider goes. Its link is opened anew through another of its name, or closed where there is
   * none; that waits for it.
   */
  void remove(TransportProvider provider) {
    TransportProvider next;
    synchronized (this) {
      Own own = owns.get(provider.name());
      if (own == null || own.spares.remove(provider) || own.provider != provider) {
        return;
      }
      next = own.spares.peekLast();
      if (next == null) {
        own.provider = null;
        link.drop(provider.name()); // locked, so that none of its name is opened meanwhile
        return;
      }
    }
    try {
      reopen(provider, next).toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.log(WARNING, "The transport " + provider.name() + " was not opened anew.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      Own own = own(provider.name());
      if (own.provider == provider) {
        // What it opened is of no use any more.
        link.drop(provider.name());
        own.spares.remove(next);
        use(own, next);
      }
      own.spares.remove(provider);
    }
  }

  /** As {@link dev.fairlead.delivery.LinkHolder} says. */
  CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return link.reopen(old, next)
        .thenRun(
            () -> {
              synchronized (this) {
                Own own = owns.get(old.name());
                if (own != null && own.provider == old) {
                  own.provider = next;
                  own.spares.remove(next);
                  own.spares.add(old);
                }
              }
            });
  }

  /** Credentials for a transport are issued in this process. */
  synchronized void add(CredentialIssuer issuer) {
    if (closed || isGiven(issuer.transport())) {
      return;
    }
    Own own = own(issuer.transport());
    stopKeeping(own);
    CredentialKeeper kept = new CredentialKeeper(issuer, link.grant(), lifetime, clock);
    own.issuer = issuer;
    own.keeper = kept;
    kept.start(() -> issued(own, kept));
  }

  /** They are no more; what is connected stays so. */
  synchronized void remove(CredentialIssuer issuer) {
    Own own = owns.get(issuer.transport());
    if (own != null && own.issuer == issuer) {
      stopKeeping(own);
      own.issuer = null;
    }
  }

  private synchronized void issued(Own own, CredentialKeeper kept) {
    if (own.keeper == kept) {
      open(own);
    }
  }

  /** Opens what has all that it needs. */
  private void open(Own own) {
    TransportProvider provider = own.provider;
    CredentialKeeper kept = own.keeper;
    if (!closed && provider != null && kept != null && kept.hasOne()) {
      link.use(provider, kept.over(given));
    }
  }

  private boolean isGiven(String name) {
    return given.isWhole() && (first.isEmpty() || first.equals(name));
  }

  private Own own(String name) {
    return owns.computeIfAbsent(name, absent -> new Own());
  }

  private static void stopKeeping(Own own) {
    CredentialKeeper kept = own.keeper;
    if (kept != null) {
      kept.close();
    }
    own.keeper = null;
  }

  /** Has no more credentials issued. The link stays its owner's to close. */
  @Override
  public synchronized void close() {
    closed = true;
    owns.values().forEach(OwnLinks::stopKeeping);
  }
}
