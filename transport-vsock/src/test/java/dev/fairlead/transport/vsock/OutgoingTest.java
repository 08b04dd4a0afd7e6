// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.TransportException;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What waits to be written, and who waits for it. */
@Timeout(60)
class OutgoingTest {

  @Test
  void whoeverWaitsIsTakenOnWhenTheLastThingIsWritten() throws Exception {
    Outgoing out = new Outgoing(1000);
    out.put(new Outgoing.Unsubscribe(1));
    FutureTask<Boolean> flushed = new FutureTask<>(() -> out.flush(MINUTES.toNanos(10)));
    Thread waiting = new Thread(flushed, "flush");
    waiting.setDaemon(true);
    waiting.start();
    await().until(() -> waiting.getState() == Thread.State.TIMED_WAITING);
    Outgoing.Batch batch = Objects.requireNonNull(out.take(new Outgoing.Batch()));
    assertThat(batch.items).hasSize(1);
    assertThat(flushed.get(20, SECONDS)).isTrue();
    out.end(new TransportException(TransportException.Category.RETRY, "ended", "By the test."));
  }
}
