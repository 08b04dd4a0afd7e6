// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.delivery.Link;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Hands each message at once to who asked for its address; one subscriber each. */
final class HandLink implements Link {

  private static final CompletionStage<Void> TAKEN = CompletableFuture.completedStage(null);

  private final Map<String, Consumer<Message>> handlers = new HashMap<>();
  private @Nullable Message last;

  @Override
  public CompletionStage<Void> send(Message message) {
    last = message;
    Consumer<Message> handler = handlers.get(message.address());
    if (handler != null) {
      handler.accept(message);
    }
    return TAKEN;
  }

  /** Gives a message to its subscriber. */
  void give(Message message) {
    Consumer<Message> handler = handlers.get(message.address());
    if (handler == null) {
      throw new IllegalStateException("nobody asked for " + message.address());
    }
    handler.accept(message);
  }

  /** What was sent last. */
  Message last() {
    if (last == null) {
      throw new IllegalStateException("nothing was sent");
    }
    return last;
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    handlers.put(pattern, handler);
    return () -> handlers.remove(pattern);
  }

  @Override
  public boolean connected() {
    return true;
  }

  @Override
  public Subscription onConnected(Runnable action) {
    return () -> {};
  }
}
