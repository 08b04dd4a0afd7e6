// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import java.security.SecureRandom;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Opens transports over AF_VSOCK and UNIX sockets. Settings and limits are in the README of this
 * module.
 */
@Component(service = TransportProvider.class, property = "transport.name=vsock")
public final class VsockTransportProvider implements TransportProvider {

  /** The transport's name. */
  public static final String NAME = "vsock";

  private static final AtomicInteger OPENED = new AtomicInteger();

  /** Makes one; it holds nothing. */
  public VsockTransportProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of(
        Capability.ACKNOWLEDGED_SEND,
        Capability.REFUSED_SEND,
        Capability.REFUSED_SUBSCRIBE,
        Capability.LAST_WILL);
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    requireNonNull(listener, "listener is null");
    VsockSettings.read(settings);
    Handlers handlers = new Handlers();
    return KeptTransport.open(
        (owner, threads, timer) -> new VsockLink(settings, handlers, owner, threads, timer),
        listener,
        new SecureRandom(),
        "fairlead-vsock-" + OPENED.incrementAndGet());
  }
}
