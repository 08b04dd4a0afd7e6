// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** A way to a port whose connections break when so many bytes have gone through, once. */
final class BreakingWay implements AutoCloseable {

  private final ServerSocket door = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicLong left;
  private final int to;

  BreakingWay(int to, long bytes) throws IOException {
    this.to = to;
    this.left = new AtomicLong(bytes);
    start(this::accept);
  }

  int port() {
    return door.getLocalPort();
  }

  /** Breaks what there is; new connections may come about. */
  void cut() {
    for (Socket socket : List.copyOf(sockets)) { // what comes about meanwhile stays
      try {
        socket.close();
        sockets.remove(socket);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    door.close();
    cut();
  }

  /** May fail, which ends a connection. */
  private interface Work {
    void run() throws IOException;
  }

  private void accept() throws IOException {
    while (true) {
      Socket near = door.accept();
      Socket far = new Socket(InetAddress.getLoopbackAddress(), to);
      sockets.add(near);
      sockets.add(far);
      start(() -> pump(near, far, true));
      start(() -> pump(far, near, false));
    }
  }

  private void pump(Socket from, Socket into, boolean counted) throws IOException {
    InputStream in = from.getInputStream();
    OutputStream out = into.getOutputStream();
    byte[] buffer = new byte[8192];
    try (from;
        into) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        long before = left.get();
        if (counted && before > 0 && left.addAndGet(-n) <= 0) {
          return;
        }
        out.write(buffer, 0, n);
      }
    }
  }

  private static void start(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // The connection is broken: that is what this is for.
              }
            },
            "breaking-way");
    thread.setDaemon(true);
    thread.start();
  }
}
