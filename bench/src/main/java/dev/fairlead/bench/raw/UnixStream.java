// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;

/** A UNIX stream between the two, without anything in between: a write and a newline per record. */
final class UnixStream implements RawClient {

  private static final int CHUNK = 64 * 1024;

  @Override
  public Sender sender(Endpoint to) throws IOException, InterruptedException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(to.uri().getPath()));
    ByteBuffer out = ByteBuffer.allocateDirect(CHUNK);
    return new Sender() {
      @Override
      public void send(byte[] record) throws IOException {
        out.clear().put(record).put((byte) '\n').flip();
        while (out.hasRemaining()) {
          channel.write(out);
        }
      }

      @Override
      public void finish() throws IOException {
        channel.close();
      }
    };
  }

  @Override
  public Receiver receive(Endpoint to, Consumer<byte[]> each)
      throws IOException, InterruptedException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(to.uri().getPath()));
    Thread reader = new Thread(() -> read(server, each), "fairlead-raw-unix");
    reader.setDaemon(true);
    reader.start();
    return server::close;
  }

  private static void read(ServerSocketChannel server, Consumer<byte[]> each) {
    try (SocketChannel channel = server.accept()) {
      ByteBuffer in = ByteBuffer.allocate(2 * CHUNK);
      while (channel.read(in) >= 0) {
        int from = 0;
        byte[] bytes = in.array();
        for (int i = 0; i < in.position(); i++) {
          if (bytes[i] == '\n') {
            byte[] record = new byte[i - from];
            System.arraycopy(bytes, from, record, 0, record.length);
            each.accept(record);
            from = i + 1;
          }
        }
        in.flip().position(from);
        in.compact();
      }
    } catch (IOException e) {
      System.getLogger(UnixStream.class.getName())
          .log(System.Logger.Level.DEBUG, "The stream has ended.", e);
    }
  }
}
