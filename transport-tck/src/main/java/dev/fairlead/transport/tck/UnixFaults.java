// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.lang.System.Logger.Level.DEBUG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Faults of a peer that is reached over a UNIX socket and is a process of its own. Each subject
 * connects through a relay of its own, so that its link can be cut; to kill, start, stall and
 * resume the peer is left to four actions.
 */
public final class UnixFaults implements Faults, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(UnixFaults.class.getName());
  private static final int CHUNK = 64 * 1024;
  private static final int BACKLOG = 64;

  private final Path peer;
  private final Path folder;
  private final Runnable kill;
  private final Runnable start;
  private final Runnable stall;
  private final Runnable resume;
  private final Map<String, Relay> relays = new ConcurrentHashMap<>();
  private final AtomicBoolean dead = new AtomicBoolean();
  private final AtomicInteger numbers = new AtomicInteger();

  /**
   * Makes one for a peer that is running.
   *
   * @param peer the socket at which it listens; relays' sockets are made beside it
   * @param kill ends it at once; returns when it has ended
   * @param start starts it again at the same socket; returns when it listens
   * @param stall stops it where it stands ({@code SIGSTOP})
   * @param resume lets it go on ({@code SIGCONT}); does nothing when it is dead
   */
  public UnixFaults(Path peer, Runnable kill, Runnable start, Runnable stall, Runnable resume) {
    this.peer = peer;
    this.kill = kill;
    this.start = start;
    this.stall = stall;
    this.resume = resume;
    try {
      this.folder = Files.createTempDirectory("fl-tck-");
    } catch (IOException e) {
      throw new UncheckedIOException("There is no folder for relays.", e);
    }
  }

  /** Where a subject connects: the socket of its relay. */
  public URI endpoint(String subject) {
    return URI.create("unix://" + relay(subject).path.toUri().getRawPath());
  }

  private Relay relay(String subject) {
    return relays.computeIfAbsent(subject, this::open);
  }

  private Relay open(String subject) {
    try {
      return new Relay(folder.resolve("r" + numbers.incrementAndGet()), subject);
    } catch (IOException e) {
      throw new UncheckedIOException("A relay cannot listen.", e);
    }
  }

  @Override
  public void kill() {
    if (dead.compareAndSet(false, true)) {
      kill.run();
    }
  }

  @Override
  public void restart() {
    if (dead.compareAndSet(true, false)) {
      start.run();
    }
  }

  @Override
  public void stall() {
    stall.run();
  }

  @Override
  public void resume() {
    resume.run();
  }

  @Override
  public void partition(String subject) {
    relay(subject).cut(true);
  }

  @Override
  public void heal(String subject) {
    relay(subject).cut(false);
  }

  @Override
  public void mend() {
    restart();
    resume();
    relays.values().forEach(relay -> relay.cut(false));
  }

  /** Ends the relays. The peer is left to whoever started it. */
  @Override
  public void close() {
    relays.values().forEach(Relay::end);
    relays.clear();
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      LOG.log(DEBUG, "The folder of the relays is not empty.", e);
    }
  }

  /** Passes the connections of one subject on; while it is cut, they break and none is made. */
  private final class Relay {

    private final Path path;
    private final String subject;
    private final ServerSocketChannel server;
    private final Set<Channel> open = ConcurrentHashMap.newKeySet();
    private boolean cut;

    Relay(Path path, String subject) throws IOException {
      this.path = path;
      this.subject = subject;
      this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(path), BACKLOG);
      run("accept", this::accept);
    }

    synchronized void cut(boolean on) {
      cut = on;
      if (on) {
        open.forEach(Relay::shut);
        open.clear();
      }
    }

    void end() {
      cut(true);
      shut(server);
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        LOG.log(DEBUG, "A relay's socket stays.", e);
      }
    }

    private void accept() {
      while (true) {
        try {
          SocketChannel near = server.accept();
          run("up", () -> connect(near));
        } catch (IOException e) {
          LOG.log(DEBUG, "The relay accepts no more.", e);
          return;
        }
      }
    }

    private void connect(SocketChannel near) {
      try {
        SocketChannel far = SocketChannel.open(StandardProtocolFamily.UNIX);
        if (keep(near) && keep(far)) {
          far.connect(UnixDomainSocketAddress.of(peer));
          run("down", () -> pump(far, near));
          pump(near, far);
        }
        end(near, far);
      } catch (IOException e) {
        LOG.log(DEBUG, "The relay's peer does not answer.", e);
        shut(near);
      }
    }

    private synchronized boolean keep(SocketChannel channel) {
      if (!cut) {
        open.add(channel);
      }
      return !cut;
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
        end(from, to);
      }
    }

    private void end(SocketChannel one, SocketChannel other) {
      open.remove(one);
      open.remove(other);
      shut(one);
      shut(other);
    }

    private static void shut(Channel channel) {
      try {
        channel.close();
      } catch (IOException e) {
        LOG.log(DEBUG, "Closing a relayed connection failed.", e);
      }
    }

    private void run(String what, Runnable work) {
      Thread thread = new Thread(work, TcpRelay.THREADS + subject + "-" + what);
      thread.setDaemon(true);
      thread.start();
    }
  }
}
