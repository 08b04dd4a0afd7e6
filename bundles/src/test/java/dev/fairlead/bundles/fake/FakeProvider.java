// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles.fake;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Opens transports that are connected at once and take everything. */
final class FakeProvider implements TransportProvider {

  private final String fault;

  FakeProvider(String fault) {
    this.fault = fault;
  }

  @Override
  public String name() {
    return fault.equals("name") ? "fraud" : "fake";
  }

  @Override
  public Set<Capability> capabilities() {
    return fault.equals("incapable") ? Set.of() : Set.of(Capability.ACKNOWLEDGED_SEND);
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    if (settings.apply(ENDPOINT) == null && !fault.equals("credulous")) {
      if (fault.equals("crude")) {
        throw new IllegalStateException("planted: no refusal");
      }
      throw new TransportException(REFUSED, "no-endpoint", "The endpoint is missing.");
    }
    Taking transport = new Taking();
    if (!fault.equals("dead")) {
      transport.state = Transport.State.CONNECTED;
      listener.stateChanged(Transport.State.CONNECTED, "at once");
    }
    return transport;
  }

  private static final class Taking implements Transport {

    private volatile State state = State.CONNECTING;

    @Override
    public CompletionStage<Void> send(Message message) {
      return state == State.CONNECTED
          ? CompletableFuture.completedStage(null)
          : CompletableFuture.failedStage(new TransportException(BROKEN, "closed", "Closed."));
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      return () -> {};
    }

    @Override
    public State state() {
      return state;
    }

    @Override
    public void close() {
      state = State.CLOSED;
    }
  }
}
