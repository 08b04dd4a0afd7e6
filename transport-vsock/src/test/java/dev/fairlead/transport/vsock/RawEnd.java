// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.vsock.wire.Buffers;
import dev.fairlead.transport.vsock.wire.FrameReader;
import dev.fairlead.transport.vsock.wire.FrameWriter;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** An end that says what a test wants, and reads when a test wants. */
public final class RawEnd implements AutoCloseable {

  public final SocketChannel channel;
  public final FrameWriter out;
  public final FrameReader in;

  public RawEnd(Path socket) throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    out = new FrameWriter(channel, ByteBuffer.allocateDirect(Buffers.SIZE));
    in = new FrameReader(channel, ByteBuffer.allocateDirect(Buffers.SIZE), Wire.Side.END);
  }

  /** Greets and shows a credential. */
  public RawEnd hello(String credential, int credit) throws IOException {
    out.greet();
    out.begin(Wire.HELLO, 4 + credential.length()).put4(credit).text(credential).end();
    out.flush();
    in.greeting();
    return this;
  }

  public RawEnd subscribe(int number, String pattern) throws IOException {
    out.begin(Wire.SUBSCRIBE, 4 + pattern.length()).put4(number).text(pattern).end();
    out.flush();
    return this;
  }

  public RawEnd send(Message message) throws IOException {
    return message(Wire.SEND, message);
  }

  /** What the hub is to say when this end is gone. */
  public RawEnd lastWill(Message message) throws IOException {
    return message(Wire.WILL, message);
  }

  private RawEnd message(int kind, Message message) throws IOException {
    out.begin(kind, Messages.size(message));
    Messages.put(message, out);
    out.end();
    out.flush();
    return this;
  }

  public RawEnd ping() throws IOException {
    out.empty(Wire.PING);
    out.flush();
    return this;
  }

  /** Shows that it lives, as an end must every few seconds, unless it has been cut off. */
  public void showLife() {
    try {
      ping();
    } catch (IOException e) {
      System.getLogger("test").log(System.Logger.Level.DEBUG, "It has been cut off.", e);
    }
  }

  /** Reads until a frame of a kind comes. */
  public ByteBuffer await(int kind) throws IOException {
    while (true) {
      FrameReader.Frame frame = in.next();
      if (frame.kind() == kind) {
        return frame.body();
      }
    }
  }

  /** Reads until the hub's last words, and returns their code. */
  public String goodbye() throws IOException {
    ByteBuffer body = await(Wire.GOODBYE);
    body.get();
    return Messages.text(body, body.get() & 0xff);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
