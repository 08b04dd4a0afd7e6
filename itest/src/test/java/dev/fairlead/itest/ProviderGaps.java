// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import dev.fairlead.transport.api.TransportProvider;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceEvent;
import org.osgi.framework.ServiceListener;
import org.osgi.framework.ServiceReference;

/**
 * Notes each provider that goes while there is no other of its name: whoever holds a reference then
 * holds a stale one, or none.
 */
final class ProviderGaps implements ServiceListener {

  private final BundleContext context;
  private final Set<String> transports;
  private final List<String> gaps = new CopyOnWriteArrayList<>();
  private final AtomicInteger gone = new AtomicInteger();

  ProviderGaps(BundleContext context, String... transports) {
    this.context = context;
    this.transports = Set.of(transports);
  }

  @Override
  public void serviceChanged(ServiceEvent event) {
    ServiceReference<?> reference = event.getServiceReference();
    Object name = reference.getProperty("transport.name");
    boolean provider =
        Arrays.asList((String[]) reference.getProperty("objectClass"))
            .contains(TransportProvider.class.getName());
    if (event.getType() != ServiceEvent.UNREGISTERING
        || !provider
        || !(name instanceof String transport)
        || !transports.contains(transport)) {
      return;
    }
    gone.incrementAndGet();
    try {
      var all =
          context.getServiceReferences(
              TransportProvider.class, "(transport.name=%s)".formatted(transport));
      if (all.stream().allMatch(reference::equals)) {
        gaps.add(reference.toString());
      }
    } catch (InvalidSyntaxException e) {
      gaps.add(e.toString());
    }
  }

  /** Who left a gap. */
  List<String> found() {
    return List.copyOf(gaps);
  }

  /** How many have gone. */
  int gone() {
    return gone.get();
  }
}
