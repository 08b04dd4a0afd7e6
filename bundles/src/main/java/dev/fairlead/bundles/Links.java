// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.broken;

import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/** Everybody here who has transports open. */
final class Links {

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final BundleContext context;

  Links(BundleContext context) {
    this.context = context;
  }

  /**
   * Moves all links from one provider to another, one holder after the other. Where one fails,
   * those that have moved are moved back.
   *
   * @param patience for each holder
   * @return how many holders were asked
   * @throws ChangeException BROKEN {@code link-failed}
   */
  int move(TransportProvider old, TransportProvider fresh, Duration patience) {
    List<ServiceReference<LinkHolder>> moved = new ArrayList<>();
    for (ServiceReference<LinkHolder> each : holders()) {
      try {
        // Also the one that fails: it may have several, of which some have moved.
        moved.add(each);
        move(each, old, fresh, patience);
      } catch (ChangeException e) {
        for (ServiceReference<LinkHolder> back : moved) {
          try {
            move(back, fresh, old, patience);
          } catch (ChangeException second) {
            e.addSuppressed(second);
          }
        }
        throw e;
      }
    }
    return moved.size();
  }

  private void move(
      ServiceReference<LinkHolder> reference,
      TransportProvider old,
      TransportProvider fresh,
      Duration patience) {
    LinkHolder holder = context.getService(reference);
    if (holder == null) {
      return; // It has gone meanwhile, and its links with it.
    }
    long deadline = System.nanoTime() + patience.toNanos();
    try {
      while (true) {
        try {
          holder
              .reopen(old, fresh)
              .toCompletableFuture()
              .get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
          return;
        } catch (ExecutionException e) {
          if (!isBusy(e) || System.nanoTime() - deadline > 0) {
            throw failed(reference, e);
          }
          // It changes its transport for a reason of its own, which ends by itself.
          TimeUnit.NANOSECONDS.sleep(PAUSE_NANOS);
        }
      }
    } catch (TimeoutException e) {
      throw failed(reference, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw broken("interrupted", "The change was given up.", e);
    } finally {
      context.ungetService(reference);
    }
  }

  private static boolean isBusy(ExecutionException e) {
    return e.getCause() instanceof TransportException told
        && told.code().equals("change-under-way");
  }

  private static ChangeException failed(ServiceReference<LinkHolder> reference, Exception e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return broken(
        "link-failed",
        "A link of %s does not come up through the new version (%s): %s"
            .formatted(
                reference.getBundle(),
                cause instanceof TransportException told ? told.code() : "no answer",
                cause.getMessage()),
        cause);
  }

  private Collection<ServiceReference<LinkHolder>> holders() {
    try {
      return context.getServiceReferences(LinkHolder.class, null);
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("No filter is no wrong filter.", e);
    }
  }
}
