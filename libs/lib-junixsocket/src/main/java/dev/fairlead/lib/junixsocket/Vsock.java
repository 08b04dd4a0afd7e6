// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.lib.junixsocket;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.newsclub.net.unix.AFSocket;
import org.newsclub.net.unix.AFSocketCapability;
import org.newsclub.net.unix.AFVSOCKSocketAddress;

/** Opens stream sockets of AF_VSOCK, as channels of the JDK's own kind. */
public final class Vsock {

  /** The number that stands for each of this machine's own, when a server binds. */
  public static final long ANY_CID = 0xffff_ffffL;

  private Vsock() {}

  /** Whether this machine's kernel and the native library know AF_VSOCK. */
  public static boolean isSupported() {
    return AFSocket.supports(AFSocketCapability.CAPABILITY_VSOCK);
  }

  /**
   * An address.
   *
   * @param cid the machine's number, 32 bits without a sign
   * @param port 32 bits without a sign
   * @throws IOException when it cannot be
   */
  public static SocketAddress address(long cid, long port) throws IOException {
    return AFVSOCKSocketAddress.ofPortAndCID((int) port, (int) cid);
  }

  /** A channel that is not yet connected. */
  public static SocketChannel open() throws IOException {
    return VsockFamily.ADDRESSES.newSocketChannel();
  }

  /**
   * A channel that is not yet bound. To close it does not end an accept that waits: wait with a
   * selector of its own {@code provider()}.
   */
  public static ServerSocketChannel openServer() throws IOException {
    return VsockFamily.ADDRESSES.newServerSocketChannel();
  }

  /**
   * The number of the machine at the other end, which the kernels vouch for.
   *
   * @return 32 bits without a sign
   * @throws IOException when the channel is not connected, or of another family
   */
  public static long peer(SocketChannel channel) throws IOException {
    if (channel.getRemoteAddress() instanceof AFVSOCKSocketAddress address) {
      return Integer.toUnsignedLong(address.getVSOCKCID());
    }
    throw new IOException("The channel is not connected over AF_VSOCK.");
  }
}
