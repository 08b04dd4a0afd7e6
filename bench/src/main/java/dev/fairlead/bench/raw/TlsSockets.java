// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.base.PinnedTrust;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;

/** Sockets with the TLS that ours has, which send at once what they are given. */
final class TlsSockets extends SSLSocketFactory {

  private final SSLSocketFactory sockets;

  /**
   * Makes one.
   *
   * @param caSha256 of the CA that is trusted
   */
  TlsSockets(String caSha256) throws IOException {
    this.sockets = context(caSha256).getSocketFactory();
  }

  /** What trusts one CA, as ours does. */
  static SSLContext context(String caSha256) throws IOException {
    try {
      return PinnedTrust.context(caSha256, null);
    } catch (GeneralSecurityException e) {
      throw new IOException("This Java platform cannot open a TLS connection.", e);
    }
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return sockets.getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return sockets.getSupportedCipherSuites();
  }

  @Override
  public Socket createSocket() throws IOException {
    return prepared(sockets.createSocket());
  }

  @Override
  public Socket createSocket(Socket below, String host, int port, boolean close)
      throws IOException {
    return prepared(sockets.createSocket(below, host, port, close));
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return prepared(sockets.createSocket(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int local)
      throws IOException {
    return prepared(sockets.createSocket(host, port, from, local));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return prepared(sockets.createSocket(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int local)
      throws IOException {
    return prepared(sockets.createSocket(host, port, from, local));
  }

  private static Socket prepared(Socket socket) throws IOException {
    socket.setTcpNoDelay(true);
    return socket;
  }
}
