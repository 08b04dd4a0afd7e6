// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.lib.junixsocket.Vsock;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a stream leads: a UNIX socket, or a port of a machine over AF_VSOCK. UNIX sockets are the
 * JDK's own; AF_VSOCK needs the library, and fails without it.
 */
public sealed interface Place {

  /** The longest path of a socket, in bytes: what the kernel has room for. */
  int MAX_PATH = 107;

  /** A UNIX socket. */
  record Unix(Path path) implements Place {
    @Override
    public SocketChannel open() throws IOException {
      return SocketChannel.open(StandardProtocolFamily.UNIX);
    }

    @Override
    public ServerSocketChannel openServer() throws IOException {
      return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    }

    @Override
    public SocketAddress address() {
      return UnixDomainSocketAddress.of(path);
    }

    /** The socket beside it that stands for a port of it, by the hybrid convention. */
    public Unix port(int port) {
      return new Unix(path.resolveSibling(path.getFileName() + "_" + port));
    }

    /** Whether the kernel has room for the path. */
    public boolean fits() {
      return path.toString().getBytes(UTF_8).length <= MAX_PATH;
    }

    /** As {@link Place#parse} reads it: one word. */
    @Override
    public String toString() {
      try {
        return "unix://" + new URI(null, null, path.toString(), null).getRawPath();
      } catch (URISyntaxException e) {
        throw new IllegalStateException("Every absolute path is one of a URI.", e);
      }
    }
  }

  /**
   * A port of a machine.
   *
   * @param cid 32 bits without a sign
   * @param port 32 bits without a sign; -1 where the address bears none
   */
  record Machine(long cid, long port) implements Place {

    /** Any of this machine's own numbers, to listen at. */
    public static Machine any(long port) {
      return new Machine(0xffff_ffffL, port);
    }

    @Override
    public SocketChannel open() throws IOException {
      try {
        return Vsock.open();
      } catch (LinkageError e) {
        throw new IOException(MISSING, e);
      }
    }

    @Override
    public ServerSocketChannel openServer() throws IOException {
      try {
        return Vsock.openServer();
      } catch (LinkageError e) {
        throw new IOException(MISSING, e);
      }
    }

    @Override
    public SocketAddress address() throws IOException {
      return Vsock.address(cid, port);
    }

    @Override
    public String toString() {
      return "vsock://" + cid + (port < 0 ? "" : ":" + port);
    }

    private static final String MISSING =
        "AF_VSOCK needs lib-junixsocket, which is not there or cannot load: install it.";
  }

  /** A channel that is not yet connected. */
  SocketChannel open() throws IOException;

  /** A channel that is not yet bound. */
  ServerSocketChannel openServer() throws IOException;

  /** What to connect or bind it to. */
  SocketAddress address() throws IOException;

  /**
   * Reads {@code unix:///<path>}, {@code vsock://<cid>:<port>}, or {@code vsock://<cid>}.
   *
   * @return null when it is none of them
   */
  static @Nullable Place parse(String text) {
    Matcher machine = Pattern.compile("vsock://([0-9]{1,10})(?::([0-9]{1,10}))?").matcher(text);
    if (machine.matches()) {
      long cid = Long.parseLong(machine.group(1));
      long port = machine.group(2) == null ? -1 : Long.parseLong(machine.group(2));
      return cid < 0xffff_ffffL && port < 0xffff_ffffL ? new Machine(cid, port) : null;
    }
    try {
      URI uri = URI.create(text);
      boolean plain = "unix".equals(uri.getScheme()) && uri.getRawAuthority() == null;
      if (!plain || uri.getPath() == null || uri.getRawQuery() != null) {
        return null;
      }
      Unix place = new Unix(Path.of(uri.getPath()));
      boolean whole = place.path().isAbsolute() && place.path().getFileName() != null;
      return whole && place.fits() ? place : null;
    } catch (IllegalArgumentException e) {
      return null; // no URI, or no path: InvalidPathException is one of these
    }
  }
}
