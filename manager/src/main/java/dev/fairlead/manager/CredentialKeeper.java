// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Has the manager's own credential issued, and a new one when two thirds of its lifetime are over.
 * The transport asks for it at each connect, so that a renewal interrupts nothing.
 */
final class CredentialKeeper implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(CredentialKeeper.class.getName());
  private static final Duration AGAIN = Duration.ofSeconds(2);

  /** What a transport needs. */
  private record Pass(Endpoint endpoint, Credential credential) {}

  private final Grant grant;
  private final Duration lifetime;
  private final CredentialIssuer issuer;
  private final InstantSource clock;
  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(
          1,
          task -> {
            Thread made = new Thread(task, "fl-manager-credential");
            made.setDaemon(true);
            return made;
          });
  private volatile @Nullable Pass pass;

  /**
   * Makes one; {@link #start} begins its work.
   *
   * @param lifetime of each credential
   */
  CredentialKeeper(CredentialIssuer issuer, Grant grant, Duration lifetime, InstantSource clock) {
    this.issuer = issuer;
    this.grant = grant;
    this.lifetime = lifetime;
    this.clock = clock;
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Begins to keep.
   *
   * @param first called once, when there is the first credential
   */
  void start(Runnable first) {
    thread.execute(() -> issue(first));
  }

  /** Whether there is a credential. */
  boolean hasOne() {
    return pass != null;
  }

  /** The settings of a transport, with these in place of what is given. */
  Function<String, @Nullable String> over(Function<String, @Nullable String> given) {
    return name -> {
      Pass now = pass;
      if (now == null) {
        return given.apply(name);
      }
      return switch (name) {
        case TransportProvider.ENDPOINT -> now.endpoint.uri().toString();
        case TransportProvider.CREDENTIAL -> now.credential.content();
        case TransportProvider.CA_SHA256 -> now.endpoint.caSha256();
        default -> given.apply(name);
      };
    };
  }

  private void issue(Runnable first) {
    try {
      Credential credential = issuer.issue(grant, lifetime);
      boolean isFirst = pass == null;
      pass = new Pass(issuer.endpoint(), credential);
      LOG.log(
          INFO,
          "The manager has a credential for {0}, until {1}",
          issuer.transport(),
          credential.expiresAt());
      if (isFirst) {
        first.run();
      }
      Duration left = Duration.between(clock.instant(), credential.expiresAt());
      later(left.multipliedBy(2).dividedBy(3), first);
    } catch (TransportException e) {
      LOG.log(WARNING, "The manager has no credential yet: {0}", e.getMessage());
      later(AGAIN, first);
    }
  }

  private void later(Duration delay, Runnable first) {
    long millis = Math.max(AGAIN.toMillis(), delay.toMillis());
    try {
      var unused = thread.schedule(() -> issue(first), millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // Closed meanwhile.
    }
  }

  /** Renews no more. Idempotent. */
  @Override
  public void close() {
    thread.shutdownNow();
  }
}
