// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;

/** Knocks at an endpoint. */
final class Door {

  private Door() {}

  /** Whether connections are taken there; loopback and UNIX sockets alone, where that is quick. */
  static boolean isOpen(URI endpoint) {
    boolean unix = "unix".equals(endpoint.getScheme());
    try (SocketChannel channel =
        unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open()) {
      return channel.connect(
          unix
              ? UnixDomainSocketAddress.of(endpoint.getPath())
              : new InetSocketAddress(InetAddress.getLoopbackAddress(), endpoint.getPort()));
    } catch (IOException e) {
      return false;
    }
  }
}
