// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** jnats over core NATS, with its defaults; encrypted where its endpoint is. */
final class JnatsCore implements RawClient {

  static final String SUBJECT = "bench.raw";
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  static Connection connect(Endpoint to) throws IOException, InterruptedException {
    Options.Builder options = new Options.Builder().server(to.uri().toString()).maxReconnects(-1);
    if (to.caSha256() != null) {
      options.sslContext(TlsSockets.context(to.caSha256()));
    }
    return Nats.connect(options.build());
  }

  @Override
  public Sender sender(Endpoint to) throws IOException, InterruptedException {
    Connection connection = connect(to);
    return new Sender() {
      @Override
      public void send(byte[] record) {
        connection.publish(SUBJECT, record);
      }

      @Override
      public void finish() throws IOException, InterruptedException {
        flush(connection);
        connection.close();
      }
    };
  }

  @Override
  public Receiver receive(Endpoint to, Consumer<byte[]> each)
      throws IOException, InterruptedException {
    Connection connection = connect(to);
    Dispatcher dispatcher = connection.createDispatcher(message -> each.accept(message.getData()));
    dispatcher.subscribe(SUBJECT);
    flush(connection);
    return connection::close;
  }

  private static void flush(Connection connection) throws IOException, InterruptedException {
    try {
      connection.flush(PATIENCE);
    } catch (TimeoutException e) {
      throw new IOException("The broker has not taken all in time.", e);
    }
  }
}
