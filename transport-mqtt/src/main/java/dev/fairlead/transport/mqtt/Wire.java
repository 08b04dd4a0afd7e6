// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.eclipse.paho.mqttv5.client.internal.NetworkModule;
import org.jspecify.annotations.Nullable;

/**
 * The socket of one connection: without Nagle's delay, read in large pieces, and with a TLS
 * handshake that asks whether the certificate bears the host's name. It is handed to Paho in place
 * of a socket factory, the one thing of ours that Paho's options carry.
 */
final class Wire extends SocketFactory implements NetworkModule {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");

  /** The largest message, its longest headers and addresses, and then some. */
  static final int MAX_PACKET = 2 << 20;

  private final String host;
  private final int port;
  private final @Nullable SSLContext tls;
  private final int timeoutMillis;
  private final Beginning beginning;
  private @Nullable Socket plain;
  private @Nullable Socket socket;
  private boolean cut;
  private volatile long heardAt = System.nanoTime();

  Wire(String host, int port, @Nullable SSLContext tls, Duration timeout, Beginning beginning) {
    this.host = host;
    this.port = port;
    this.tls = tls;
    this.timeoutMillis = (int) timeout.toMillis();
    this.beginning = beginning;
  }

  @Override
  public void start() throws IOException {
    Socket made = new Socket();
    synchronized (this) {
      if (cut) {
        throw new IOException("This connection has been given up.");
      }
      plain = made;
    }
    made.setTcpNoDelay(true);
    made.connect(new InetSocketAddress(host, port), timeoutMillis);
    Socket used = tls == null ? made : secure(tls, made);
    synchronized (this) {
      socket = used;
    }
  }

  private Socket secure(SSLContext context, Socket below) throws IOException {
    SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(below, host, port, true);
    SSLParameters parameters = secure.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    secure.setSSLParameters(parameters);
    secure.setSoTimeout(timeoutMillis);
    secure.startHandshake();
    secure.setSoTimeout(0);
    return secure;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    heardAt = System.nanoTime();
    return new PacketStream(new Heard(socket().getInputStream()), MAX_PACKET);
  }

  /** When the peer's last bytes came, on the clock of {@link System#nanoTime}. */
  long heardAt() {
    return heardAt;
  }

  /** Notes when something comes. */
  private final class Heard extends FilterInputStream {

    Heard(InputStream source) {
      super(source);
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
      beginning.hurry();
      int got = super.read(into, from, count);
      if (got > 0) {
        heardAt = System.nanoTime();
      }
      return got;
    }
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return socket().getOutputStream();
  }

  private synchronized Socket socket() throws IOException {
    if (socket == null) {
      throw new IOException("There is no connection.");
    }
    return socket;
  }

  @Override
  public void stop() {
    beginning.end();
    cut();
  }

  /**
   * Closes the socket below first: a TLS socket would wait for a writer that a stalled peer holds.
   * What was written before still arrives.
   */
  void cut() {
    Socket below;
    Socket above;
    synchronized (this) {
      cut = true;
      below = plain;
      above = socket;
    }
    if (below != null) {
      close(below);
    }
    if (above != null && above != below) {
      close(above);
    }
  }

  private static void close(Socket socket) {
    try {
      if (!(socket instanceof SSLSocket) && socket.isConnected() && !socket.isClosed()) {
        socket.shutdownOutput(); // a farewell goes out before what was not read is thrown away
      }
      socket.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "A socket had gone before it was closed.", e);
    }
  }

  @Override
  public String getServerURI() {
    return SocketModuleFactory.SCHEME + "://" + host + ":" + port;
  }

  // A socket factory in name only.

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw new IOException("Sockets are made by start().");
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws IOException {
    return createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return createSocket(host.getHostAddress(), port);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws IOException {
    return createSocket(host.getHostAddress(), port);
  }
}
