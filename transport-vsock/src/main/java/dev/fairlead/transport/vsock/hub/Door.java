// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.transport.vsock.wire.Place;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Listens at one place, on a thread of its own. Waits with a selector, since closing a server of
 * AF_VSOCK does not wake a thread that waits in it.
 */
final class Door implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private static final int BACKLOG = 64;
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Place place;
  private final ServerSocketChannel server;
  private final Selector selector;
  private final Consumer<SocketChannel> visitor;
  private final Thread thread;
  private volatile boolean closed;

  private Door(
      Place place, ServerSocketChannel server, Selector selector, Consumer<SocketChannel> visitor) {
    this.place = place;
    this.server = server;
    this.selector = selector;
    this.visitor = visitor;
    this.thread = new Thread(this::run, "fairlead-hub-door");
    thread.setDaemon(true);
  }

  /**
   * Opens one.
   *
   * @param visitor called for each connection, by the door's thread; must not block
   */
  static Door open(Place place, Consumer<SocketChannel> visitor) throws IOException {
    if (place instanceof Place.Unix unix) {
      Files.deleteIfExists(unix.path()); // left by a hub that was killed
    }
    ServerSocketChannel server = place.openServer();
    try {
      server.bind(place.address(), BACKLOG);
      server.configureBlocking(false);
      Selector selector = server.provider().openSelector();
      server.register(selector, SelectionKey.OP_ACCEPT);
      Door door = new Door(place, server, selector, visitor);
      door.thread.start();
      return door;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  private void run() {
    while (!closed) {
      try {
        selector.select();
        selector.selectedKeys().clear();
        for (SocketChannel channel = accept(); channel != null; channel = accept()) {
          channel.configureBlocking(true);
          visitor.accept(channel);
        }
      } catch (ClosedSelectorException e) {
        LOG.log(Level.TRACE, "The door is closed.", e);
        return;
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        // Out of descriptors or threads, most likely: others may give some back.
        if (!closed) {
          LOG.log(Level.ERROR, "Somebody could not come in at " + place + ".", e);
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      }
    }
  }

  private @Nullable SocketChannel accept() throws IOException {
    return closed ? null : server.accept();
  }

  /** Whether it still lets anybody in. */
  boolean isOpen() {
    return thread.isAlive();
  }

  /** Lets nobody in any more; the connections stay. */
  @Override
  public void close() {
    closed = true;
    try {
      selector.wakeup();
      thread.join(TimeUnit.SECONDS.toMillis(1));
      selector.close();
      server.close();
      if (place instanceof Place.Unix unix) {
        Files.deleteIfExists(unix.path());
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "A door did not close well.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
