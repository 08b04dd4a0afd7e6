// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.broken;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceListener;
import org.osgi.framework.ServiceReference;

/** What a transport's bundle offers as services. */
final class Offer {

  private static final String PROVIDER = TransportProvider.class.getName();
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final TransportListener DEAF =
      new TransportListener() {
        @Override
        public void stateChanged(Transport.State state, String reason) {}

        @Override
        public void refused(@Nullable String address, TransportException refusal) {}
      };

  private final BundleContext context;

  Offer(BundleContext context) {
    this.context = context;
  }

  /** The types of a bundle's services, each as often as it is there, sorted. */
  static List<String> types(Bundle bundle) {
    List<String> types = new ArrayList<>();
    for (ServiceReference<?> reference : references(bundle)) {
      types.addAll(List.of((String[]) reference.getProperty(Constants.OBJECTCLASS)));
    }
    types.sort(null);
    return types;
  }

  /** A bundle's provider while somebody needs it. */
  static final class Held implements AutoCloseable {

    private final BundleContext context;
    private final ServiceReference<?> reference;
    private final TransportProvider provider;

    private Held(BundleContext context, ServiceReference<?> reference, TransportProvider provider) {
      this.context = context;
      this.reference = reference;
      this.provider = provider;
    }

    TransportProvider provider() {
      return provider;
    }

    @Override
    public void close() {
      context.ungetService(reference);
    }
  }

  /**
   * Waits for a bundle's provider.
   *
   * @throws ChangeException BROKEN {@code no-provider}
   */
  Held provider(Bundle bundle, Duration patience) {
    Held held = await(patience, () -> hold(bundle));
    if (held == null) {
      throw broken(
          "no-provider",
          "%s has started and offers no transport after %s."
              .formatted(Wiring.name(bundle), patience),
          null);
    }
    return held;
  }

  /**
   * Waits until a bundle offers what another offered, each service alive.
   *
   * @throws ChangeException BROKEN {@code lacks-service}
   */
  void require(Bundle bundle, List<String> types, Duration patience) {
    Boolean there = await(patience, () -> isAlive(bundle, types) ? Boolean.TRUE : null);
    if (there == null) {
      List<String> missing = new ArrayList<>(types);
      types(bundle).forEach(missing::remove);
      throw broken(
          "lacks-service",
          "%s does not offer what the version before did%s: see the log."
              .formatted(Wiring.name(bundle), missing.isEmpty() ? "" : " (" + missing + ")"),
          null);
    }
  }

  /**
   * The self-check: what every transport must do without a peer.
   *
   * @throws ChangeException BROKEN {@code self-check-failed}
   */
  static void check(TransportProvider old, TransportProvider fresh) {
    try {
      if (!fresh.name().equals(old.name())) {
        throw failed("it calls itself '%s', not '%s'".formatted(fresh.name(), old.name()), null);
      }
      if (!fresh.capabilities().containsAll(old.capabilities())) {
        throw failed(
            "it can do %s, and the version before could do %s"
                .formatted(fresh.capabilities(), old.capabilities()),
            null);
      }
    } catch (RuntimeException | LinkageError e) {
      throw e instanceof ChangeException told ? told : failed("it fails: " + e, e);
    }
    checkRefusal(fresh);
  }

  /** Every transport needs a setting, and says so. */
  private static void checkRefusal(TransportProvider fresh) {
    try {
      fresh.open(name -> null, DEAF).close();
    } catch (TransportException e) {
      if (e.category() == TransportException.Category.REFUSED) {
        return;
      }
      throw failed("opened without settings it says " + e.code() + ", which is no refusal", e);
    } catch (RuntimeException | LinkageError e) {
      throw failed("opened without settings it fails: " + e, e);
    }
    throw failed("it opens without any setting, and should refuse", null);
  }

  private static ChangeException failed(String how, @Nullable Throwable cause) {
    return broken(
        "self-check-failed", "The new version fails its self-check: %s.".formatted(how), cause);
  }

  private @Nullable Held hold(Bundle bundle) {
    for (ServiceReference<?> reference : references(bundle)) {
      if (List.of((String[]) reference.getProperty(Constants.OBJECTCLASS)).contains(PROVIDER)
          && context.getService(reference) instanceof TransportProvider provider) {
        return new Held(context, reference, provider);
      }
    }
    return null;
  }

  /** A component whose activation failed is registered still, and gives no object. */
  private boolean isAlive(Bundle bundle, List<String> types) {
    List<String> missing = new ArrayList<>(types);
    for (ServiceReference<?> reference : references(bundle)) {
      if (context.getService(reference) != null) {
        context.ungetService(reference);
        for (String type : (String[]) reference.getProperty(Constants.OBJECTCLASS)) {
          missing.remove(type);
        }
      }
    }
    return missing.isEmpty();
  }

  private static ServiceReference<?>[] references(Bundle bundle) {
    ServiceReference<?>[] references = bundle.getRegisteredServices();
    return references == null ? new ServiceReference<?>[0] : references;
  }

  /**
   * Asks at once, again whenever services come or go, and each second: some come without a word.
   */
  private <T> @Nullable T await(Duration patience, Supplier<@Nullable T> question) {
    long deadline = System.nanoTime() + patience.toNanos();
    Semaphore changes = new Semaphore(0);
    ServiceListener listener = event -> changes.release();
    context.addServiceListener(listener);
    try {
      while (true) {
        changes.drainPermits();
        T answer = question.get();
        long left = deadline - System.nanoTime();
        if (answer != null || left <= 0) {
          return answer;
        }
        var unused = changes.tryAcquire(Math.min(left, SECOND), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      context.removeServiceListener(listener);
    }
  }
}
