// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.JetStreamApiException;
import io.nats.client.PushSubscribeOptions;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * jnats over JetStream: a stream in files, published to without waiting for each confirmation, read
 * by an ordered consumer.
 */
final class JnatsJetStream implements RawClient {

  private static final int UNCONFIRMED = 4000;

  @Override
  public Sender sender(Endpoint to) throws IOException, InterruptedException {
    Connection connection = JnatsCore.connect(to);
    JetStream stream = connection.jetStream();
    Semaphore unconfirmed = new Semaphore(UNCONFIRMED);
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    return new Sender() {
      @Override
      public void send(byte[] record) throws IOException, InterruptedException {
        unconfirmed.acquire();
        var unused =
            stream
                .publishAsync(JnatsCore.SUBJECT, record)
                .whenComplete(
                    (ack, problem) -> {
                      unconfirmed.release();
                      if (problem != null) {
                        failure.compareAndSet(null, problem);
                      }
                    });
        Throwable problem = failure.getAndSet(null);
        if (problem != null) {
          throw new IOException("A message was not confirmed.", problem);
        }
      }

      @Override
      public void finish() throws IOException, InterruptedException {
        boolean all = unconfirmed.tryAcquire(UNCONFIRMED, 10, TimeUnit.SECONDS);
        connection.close();
        if (!all) {
          throw new IOException("Not all messages were confirmed.");
        }
      }
    };
  }

  @Override
  public Receiver receive(Endpoint to, Consumer<byte[]> each)
      throws IOException, InterruptedException {
    Connection connection = JnatsCore.connect(to);
    try {
      connection
          .jetStreamManagement()
          .addStream(
              StreamConfiguration.builder()
                  .name("BENCH")
                  .subjects(JnatsCore.SUBJECT)
                  .storageType(StorageType.File)
                  .build());
      connection
          .jetStream()
          .subscribe(
              JnatsCore.SUBJECT,
              connection.createDispatcher(),
              message -> each.accept(message.getData()),
              false,
              PushSubscribeOptions.builder().ordered(true).build());
    } catch (JetStreamApiException e) {
      throw new IOException("JetStream does not store as it is told to.", e);
    }
    return connection::close;
  }
}
