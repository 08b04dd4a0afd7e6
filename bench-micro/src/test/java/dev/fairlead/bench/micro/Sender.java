// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Policy;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.transport.api.Message;

/** An outbox with one stream, driven by hand on one thread. */
final class Sender implements AutoCloseable {

  private final HandRunner runner;
  private final HandLink link;
  private final Outbox outbox;
  private final OutStream stream;
  private final byte[] line = Sample.line();

  /** One that sends over a link; what it does, it does on the runner. */
  Sender(HandLink link, HandRunner runner) {
    this.link = link;
    this.runner = runner;
    outbox = new Outbox(link, runner);
    stream =
        outbox.open(StreamConfig.of(Sample.LOGS, Sample.ACKS, "e1").withPolicy(Policy.DROP_OLD));
    runner.runAll();
  }

  /** Appends one record. */
  long append() throws InterruptedException {
    return stream.append(line);
  }

  /** Appends a batch full, and sends what is sealed. */
  long batch() throws InterruptedException {
    long number = 0;
    for (int i = 0; i < Sample.RECORDS; i++) {
      number = stream.append(line);
    }
    runner.runAll();
    return number;
  }

  /** A whole batch as it is sent. */
  static Message sample() throws InterruptedException {
    HandLink link = new HandLink();
    try (Sender sender = new Sender(link, new HandRunner())) {
      sender.batch();
      sender.batch(); // the first record of the next seals a batch
      return link.last();
    }
  }

  /** What was sent last. */
  Message last() {
    return link.last();
  }

  @Override
  public void close() {
    outbox.close();
  }
}
