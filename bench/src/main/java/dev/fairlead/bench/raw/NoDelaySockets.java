// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;

/** Sockets that send at once what they are given. */
final class NoDelaySockets extends SocketFactory {

  @Override
  public Socket createSocket() throws IOException {
    Socket socket = new Socket();
    socket.setTcpNoDelay(true);
    return socket;
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return prepared(new Socket(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int local)
      throws IOException {
    return prepared(new Socket(host, port, from, local));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return prepared(new Socket(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int local)
      throws IOException {
    return prepared(new Socket(host, port, from, local));
  }

  private static Socket prepared(Socket socket) throws IOException {
    socket.setTcpNoDelay(true);
    return socket;
  }
}
