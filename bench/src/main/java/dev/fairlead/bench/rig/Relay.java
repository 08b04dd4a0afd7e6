// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.lang.System.Logger.Level.DEBUG;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A link that can be cut: passes connections on, from an address of its own to a peer, over TCP or
 * UNIX sockets. While it is cut, connections break and none comes about. Safe for use by several
 * threads.
 */
public final class Relay implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Relay.class.getName());
  private static final String UNIX = "unix";
  private static final int CHUNK = 64 * 1024;

  private final ServerSocketChannel server;
  private final URI endpoint;
  private final String name;
  private final Set<SocketChannel> channels = ConcurrentHashMap.newKeySet();
  private final Object changes = new Object();
  private volatile SocketAddress peer;
  private boolean cut;

  private Relay(ServerSocketChannel server, URI endpoint, String name, SocketAddress peer) {
    this.server = server;
    this.endpoint = endpoint;
    this.name = name;
    this.peer = peer;
  }

  /**
   * Opens one.
   *
   * @param peer where it leads: {@code unix:///<path>}, or any URI with a host and a port
   * @param name of its threads
   * @param socket where it listens itself if the peer is a UNIX socket; otherwise it takes a free
   *     port of the loopback interface
   */
  public static Relay open(URI peer, String name, Path socket) throws IOException {
    boolean unix = UNIX.equals(peer.getScheme());
    ServerSocketChannel server =
        unix
            ? ServerSocketChannel.open(StandardProtocolFamily.UNIX)
            : ServerSocketChannel.open(StandardProtocolFamily.INET);
    try {
      URI endpoint;
      if (unix) {
        server.bind(UnixDomainSocketAddress.of(socket));
        endpoint = URI.create("unix://" + socket.toUri().getRawPath());
      } else {
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        endpoint =
            new URI(
                peer.getScheme(),
                null,
                "127.0.0.1",
                port,
                peer.getPath(),
                peer.getQuery(),
                peer.getFragment());
      }
      Relay relay = new Relay(server, endpoint, name, address(peer));
      relay.run("accept", relay::accept);
      return relay;
    } catch (IOException | URISyntaxException e) {
      server.close();
      throw new IOException("A relay to " + peer + " cannot be opened: " + e.getMessage(), e);
    }
  }

  private static SocketAddress address(URI uri) {
    return UNIX.equals(uri.getScheme())
        ? UnixDomainSocketAddress.of(Path.of(uri.getPath()))
        : new InetSocketAddress(uri.getHost(), uri.getPort());
  }

  /** Where to connect instead of to the peer. */
  public URI endpoint() {
    return endpoint;
  }

  /** Leads new connections elsewhere: to a peer of the same kind. */
  public void lead(URI to) {
    peer = address(to);
  }

  /** Breaks all connections and lets none come about, or lets them come about again. */
  public void cut(boolean on) {
    synchronized (changes) {
      cut = on;
      if (on) {
        channels.forEach(Relay::close);
        channels.clear();
      }
    }
  }

  @Override
  public void close() {
    close(server);
    cut(true);
  }

  private void accept() {
    while (true) {
      try {
        SocketChannel near = server.accept();
        run("connect", () -> connect(near));
      } catch (IOException e) {
        LOG.log(DEBUG, "The relay accepts no more.", e);
        return;
      }
    }
  }

  private void connect(SocketChannel near) {
    SocketAddress to = peer;
    boolean unix = to instanceof UnixDomainSocketAddress;
    try (near;
        SocketChannel far =
            unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open()) {
      if (!keep(near)) {
        return;
      }
      far.connect(to);
      if (!unix) {
        near.setOption(StandardSocketOptions.TCP_NODELAY, true);
        far.setOption(StandardSocketOptions.TCP_NODELAY, true);
      }
      if (keep(far)) {
        Thread up = run("up", () -> pump(near, far));
        pump(far, near);
        up.join();
      }
    } catch (IOException e) {
      LOG.log(DEBUG, "The relay's peer does not answer.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      channels.remove(near);
    }
  }

  /** Notes a connection as one to break when the link is cut; false where it is cut already. */
  private boolean keep(SocketChannel channel) {
    synchronized (changes) {
      if (!cut) {
        channels.add(channel);
      }
      return !cut;
    }
  }

  private void pump(SocketChannel from, SocketChannel to) {
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
    try {
      while (from.read(chunk) >= 0) {
        chunk.flip();
        while (chunk.hasRemaining()) {
          to.write(chunk);
        }
        chunk.clear();
      }
    } catch (IOException e) {
      LOG.log(DEBUG, "A relayed connection broke.", e);
    } finally {
      channels.remove(from);
      close(from);
      close(to);
    }
  }

  private Thread run(String what, Runnable work) {
    Thread thread = new Thread(work, "fairlead-relay-" + name + "-" + what);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static void close(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) {
      LOG.log(DEBUG, "Closing a relayed connection failed.", e);
    }
  }
}
