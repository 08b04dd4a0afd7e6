// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** A transport that does what a good one does, but for what a saboteur overrides. */
abstract class Sabotaged implements Transport {

  final Transport good;

  Sabotaged(Transport good) {
    this.good = good;
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    return good.send(message);
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    return good.subscribe(pattern, handler);
  }

  @Override
  public State state() {
    return good.state();
  }

  @Override
  public void close() {
    good.close();
  }
}
