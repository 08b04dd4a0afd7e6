// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes a saboteur's transports out of those of a good provider. Without a saboteur they are as
 * good as before: then the kit must find nothing, or what it finds in others is the wrapping.
 */
public final class SabotagedProvider implements TransportProvider {

  private final TransportProvider good;
  private final @Nullable Saboteur saboteur;

  /** Makes one that breaks nothing. */
  public SabotagedProvider() {
    this(new MemoryTransportProvider(), null);
  }

  SabotagedProvider(TransportProvider good, @Nullable Saboteur saboteur) {
    this.good = good;
    this.saboteur = saboteur;
  }

  @Override
  public String name() {
    return good.name();
  }

  @Override
  public Set<Capability> capabilities() {
    return good.capabilities();
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    if (saboteur == null) {
      return new Sabotaged(good.open(settings, listener)) {};
    }
    List<Transport.Subscription> made = new CopyOnWriteArrayList<>();
    Transport transport = good.open(saboteur.settings(settings), saboteur.overhear(listener, made));
    return saboteur.sabotage(
        new Sabotaged(transport) {
          @Override
          public Subscription subscribe(String pattern, Consumer<Message> handler) {
            Subscription subscription = good.subscribe(pattern, handler);
            made.add(subscription);
            return subscription;
          }
        },
        listener,
        settings);
  }
}
