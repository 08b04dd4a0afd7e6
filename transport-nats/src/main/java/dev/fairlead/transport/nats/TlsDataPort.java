// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static java.util.Objects.requireNonNull;

import io.nats.client.Options;
import io.nats.client.impl.SocketDataPortWithWriteTimeout;
import java.io.IOException;
import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * jnats' socket, with a TLS handshake that also asks whether the certificate bears the host's name:
 * jnats itself does not. Public, and with a public constructor, because jnats makes it by its name.
 */
public final class TlsDataPort extends SocketDataPortWithWriteTimeout {

  private @Nullable Options options;
  private @Nullable Socket plain;

  /** Made by jnats. */
  public TlsDataPort() {}

  @Override
  public void afterConstruct(Options options) {
    super.afterConstruct(options);
    this.options = options;
  }

  @Override
  public void upgradeToSecure() throws IOException {
    Options known = requireNonNull(options, "jnats has not said its options");
    // The field host is an address by now: jnats resolves names itself.
    String name = known.getServers().iterator().next().getHost();
    SSLSocket secure =
        (SSLSocket) known.getSslContext().getSocketFactory().createSocket(socket, name, port, true);
    SSLParameters parameters = secure.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    secure.setSSLParameters(parameters);
    int timeout = secure.getSoTimeout();
    secure.setSoTimeout((int) known.getConnectionTimeout().toMillis());
    secure.startHandshake();
    secure.setSoTimeout(timeout);
    plain = socket;
    socket = secure;
    in = secure.getInputStream();
    out = secure.getOutputStream();
    isSecure = true;
  }

  /**
   * Frees the reader at once; jnats would wait a second for it, for want of this on TLS sockets.
   */
  @Override
  public void shutdownInput() throws IOException {
    if (plain == null) {
      super.shutdownInput();
    } else {
      plain.shutdownInput();
    }
  }

  /**
   * Closes the socket below first: a TLS socket would wait for a writer that a stalled peer holds.
   * What a flush has seen answered is not touched by it, and NATS needs no farewell of TLS.
   */
  @Override
  public void close() throws IOException {
    if (plain != null) {
      plain.close();
    }
    super.close();
  }
}
