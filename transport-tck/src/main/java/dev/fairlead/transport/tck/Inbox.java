// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.api.Message;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** What one handler was given, in order, and how it was called. */
final class Inbox implements Consumer<Message> {

  /** Marks messages that only ask whether a subscription stands. */
  static final String PROBE = "tck-probe";

  private final List<Message> messages = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger probes = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger mostAtOnce = new AtomicInteger();
  private volatile Consumer<Message> then = message -> {};

  @Override
  public void accept(Message message) {
    mostAtOnce.accumulateAndGet(running.incrementAndGet(), Math::max);
    try {
      if (message.headers().containsKey(PROBE)) {
        probes.incrementAndGet();
      } else {
        messages.add(message);
        then.accept(message);
      }
    } finally {
      running.decrementAndGet();
    }
  }

  /** Does more with each message, once it is noted. */
  Inbox then(Consumer<Message> more) {
    then = more;
    return this;
  }

  int size() {
    return messages.size();
  }

  int probes() {
    return probes.get();
  }

  /** The most calls of the handler that ever ran at the same time. */
  int mostAtOnce() {
    return mostAtOnce.get();
  }

  List<Message> messages() {
    synchronized (messages) {
      return List.copyOf(messages);
    }
  }

  /** The payloads as text. */
  List<String> texts() {
    return messages().stream().map(Workbench::text).toList();
  }
}
