// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

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

/** Opens transports over NATS, by jnats. Settings and limits are in the README of this module. */
@Component(service = TransportProvider.class, property = "transport.name=nats")
public final class NatsTransportProvider implements TransportProvider {

  private static final AtomicInteger OPENED = new AtomicInteger();

  /** Makes one; it holds nothing. */
  public NatsTransportProvider() {}

  @Override
  public String name() {
    return "nats";
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of(Capability.REFUSED_SUBSCRIBE, Capability.STORED);
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    requireNonNull(listener, "listener is null");
    NatsSettings.read(settings);
    SecureRandom random = new SecureRandom();
    return KeptTransport.open(
        (owner, threads, timer) -> new NatsLink(settings, owner, threads, timer, random),
        listener,
        random,
        "fairlead-nats-" + OPENED.incrementAndGet());
  }
}
