// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.MessageHandler;
import io.nats.client.Subscription;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What comes before jnats knows who takes it. */
class InboundTest {

  private final AtomicReference<@Nullable MessageHandler> byDefault = new AtomicReference<>();
  private final AtomicReference<@Nullable Thread> early = new AtomicReference<>();
  private final Subscription subscription = fake(Subscription.class, Map.of("getSID", "1"));

  @Test
  void itIsGivenToTheHandlerThatIsMeant() throws Exception {
    Inbound inbound = new Inbound(this::dispatcher, 10, 1000);
    List<String> taken = new CopyOnWriteArrayList<>();
    Subscription made =
        inbound.subscribe("fl.1.up.logs", message -> taken.add(message.getSubject()));
    Objects.requireNonNull(early.get()).join();
    assertThat(taken).containsExactly("fl.1.up.logs");
    inbound.unsubscribe(made);
    deliver("too late");
    assertThat(taken).containsExactly("fl.1.up.logs");
  }

  /** As jnats does it where the thread that subscribes is held up: a message is there first. */
  private Dispatcher dispatcher(MessageHandler byDefault) {
    this.byDefault.set(byDefault);
    return (Dispatcher)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Dispatcher.class},
            (proxy, method, args) -> {
              if (!method.getName().equals("subscribe")) {
                return null;
              }
              Thread thread = new Thread(() -> deliver((String) args[0]), "dispatcher");
              early.set(thread);
              thread.start();
              await()
                  .until(
                      () ->
                          thread.getState() == Thread.State.BLOCKED
                              || thread.getState() == Thread.State.TERMINATED);
              return subscription;
            });
  }

  private void deliver(String subject) {
    Message message =
        fake(Message.class, Map.of("getSubject", subject, "getSubscription", subscription));
    try {
      Objects.requireNonNull(byDefault.get()).onMessage(message);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private <T> T fake(Class<T> type, Map<String, Object> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "equals" -> proxy == args[0];
                  case "hashCode" -> System.identityHashCode(proxy);
                  default -> answers.get(method.getName());
                }));
  }
}
