// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.lang.System.Logger.Level.DEBUG;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Passes TCP connections on from a port of its own, and fails on demand. While it stalls, bytes
 * stay where they are, and connections open; while it is cut, connections break and none is made.
 */
final class TcpRelay implements AutoCloseable {

  /** All threads of relays bear this prefix: they are not the transport's. */
  static final String THREADS = "fairlead-tck-relay-";

  private static final System.Logger LOG = System.getLogger(TcpRelay.class.getName());
  private static final int CHUNK = 64 * 1024;
  private static final int CONNECT_MILLIS = 2000;

  private final String host;
  private final int peerPort;
  private final String name;
  private final ServerSocket server;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean stalled;
  private boolean cut;
  private boolean closed;

  TcpRelay(String host, int peerPort, String name) throws IOException {
    this.host = host;
    this.peerPort = peerPort;
    this.name = name;
    this.server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    run("accept", this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  void stall(boolean on) {
    lock.lock();
    try {
      stalled = on;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void cut(boolean on) {
    lock.lock();
    try {
      cut = on;
      if (on) {
        closeAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      stalled = false;
      changed.signalAll();
      closeAll();
      close(server);
    } finally {
      lock.unlock();
    }
  }

  private void closeAll() {
    sockets.forEach(TcpRelay::close);
    sockets.clear();
  }

  private void accept() {
    while (true) {
      try {
        Socket near = server.accept();
        run("connect", () -> connect(near));
      } catch (IOException e) {
        LOG.log(DEBUG, "The relay accepts no more.", e);
        return;
      }
    }
  }

  private void connect(Socket near) {
    waitWhileStalled();
    Socket far = new Socket();
    try {
      if (!keep(near)) {
        return;
      }
      far.connect(new InetSocketAddress(host, peerPort), CONNECT_MILLIS);
      far.setTcpNoDelay(true);
      near.setTcpNoDelay(true);
      if (!keep(far)) {
        end(near, far);
        return;
      }
      run("up", () -> pump(near, far));
      pump(far, near);
    } catch (IOException e) {
      LOG.log(DEBUG, "The relay's peer does not answer.", e);
      end(near, far);
    }
  }

  /** Notes a socket as one to close when the link is cut; closes it where it is cut already. */
  private boolean keep(Socket socket) {
    lock.lock();
    try {
      if (cut || closed) {
        close(socket);
        return false;
      }
      sockets.add(socket);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void pump(Socket from, Socket to) {
    byte[] chunk = new byte[CHUNK];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        waitWhileStalled();
        out.write(chunk, 0, read);
      }
    } catch (IOException e) {
      LOG.log(DEBUG, "A relayed connection broke.", e);
    } finally {
      end(from, to);
    }
  }

  private void end(Socket one, Socket other) {
    waitWhileStalled();
    sockets.remove(one);
    sockets.remove(other);
    close(one);
    close(other);
  }

  private void waitWhileStalled() {
    lock.lock();
    try {
      while (stalled) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void run(String what, Runnable work) {
    Thread thread = new Thread(work, THREADS + name + "-" + what);
    thread.setDaemon(true);
    thread.start();
  }

  private static void close(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) {
      LOG.log(DEBUG, "Closing a relayed connection failed.", e);
    }
  }
}
