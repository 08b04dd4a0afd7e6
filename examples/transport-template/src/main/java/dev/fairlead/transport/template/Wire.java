// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * Frames over one TCP connection, both ways: 2 bytes of kind, 4 of number, text, length, payload.
 */
final class Wire {

  /**
   * Kinds: (H)ello, (S)ubscribe, (U)nsubscribe, (M)essage, (R)efused, (P)ing and its answer (Q).
   */
  record Frame(char kind, int number, String text, ByteBuffer payload) {
    Frame(char kind, int number, String text) {
      this(kind, number, text, ByteBuffer.allocate(0));
    }
  }

  private static final int ROOM = 16 << 20;
  private static final int SILENCE_MILLIS = 3_000;
  private static final Frame END = new Frame('E', 0, "");

  private final Socket socket;
  private final LinkedBlockingQueue<Frame> waiting = new LinkedBlockingQueue<>();
  private final Semaphore room = new Semaphore(ROOM);

  Wire(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(SILENCE_MILLIS);
  }

  /** Two threads serve the connection until it ends: closed, silent, or not to be understood. */
  void run(Executor threads, Consumer<Frame> handler, Consumer<Exception> end) {
    threads.execute(this::write);
    threads.execute(
        () -> {
          try (socket) {
            DataInputStream in =
                new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
            while (true) {
              Frame head = new Frame(in.readChar(), in.readInt(), in.readUTF());
              byte[] payload = in.readNBytes(Math.min(in.readInt(), 1 << 20));
              handler.accept(
                  new Frame(head.kind(), head.number(), head.text(), ByteBuffer.wrap(payload)));
            }
          } catch (IOException | RuntimeException e) {
            finish();
            end.accept(e);
          }
        });
  }

  /** Queues a frame, whose payload it copies; false where there is no room for it. */
  boolean send(Frame frame) {
    ByteBuffer own = ByteBuffer.allocate(frame.payload().remaining());
    own.put(frame.payload().duplicate()).flip();
    return room.tryAcquire(weight(frame))
        && waiting.add(new Frame(frame.kind(), frame.number(), frame.text(), own));
  }

  private static int weight(Frame frame) {
    return 64 + frame.text().length() + frame.payload().remaining();
  }

  private void write() {
    try (socket;
        DataOutputStream out = new DataOutputStream(socket.getOutputStream())) {
      for (Frame next = waiting.take(); next.kind() != 'E'; next = waiting.take()) {
        out.writeChar(next.kind());
        out.writeInt(next.number());
        out.writeUTF(next.text());
        out.writeInt(next.payload().remaining());
        out.write(next.payload().array());
        room.release(weight(next));
      }
    } catch (IOException | InterruptedException e) {
      Thread.currentThread().interrupt(); // the thread's work is done
    }
  }

  /** Ends the connection, once what is queued has been written. */
  void finish() {
    waiting.add(END);
  }
}
