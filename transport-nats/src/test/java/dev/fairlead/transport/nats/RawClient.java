// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.base.PinnedTrust;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Base64;
import javax.net.ssl.SSLSocket;

/** Says to a server what no client library would say. */
final class RawClient implements AutoCloseable {

  private final SSLSocket socket;
  private final BufferedReader in;
  private final OutputStream out;

  RawClient(Endpoint endpoint, Credential credential) throws Exception {
    Socket plain = new Socket(endpoint.uri().getHost(), endpoint.uri().getPort());
    StringBuilder info = new StringBuilder();
    for (int c = plain.getInputStream().read(); c != '\n'; c = plain.getInputStream().read()) {
      info.append((char) c);
    }
    socket =
        (SSLSocket)
            PinnedTrust.context(requireNonNull(endpoint.caSha256()), null)
                .getSocketFactory()
                .createSocket(plain, endpoint.uri().getHost(), endpoint.uri().getPort(), true);
    socket.startHandshake();
    in = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
    out = socket.getOutputStream();
    int nonceAt = info.indexOf("\"nonce\":\"") + 9;
    String nonce = info.substring(nonceAt, info.indexOf("\"", nonceAt));
    NatsCredential key = NatsCredential.parse(credential.content());
    write(
        "CONNECT {\"headers\":true,\"verbose\":false,\"jwt\":\""
            + new String(key.getJWT())
            + "\",\"sig\":\""
            + Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(key.sign(nonce.getBytes(ISO_8859_1)))
            + "\"}\r\n");
    flush();
  }

  void publish(String subject, String reply, String header, String body) throws IOException {
    int length = header.length();
    write(
        "HPUB "
            + subject
            + ' '
            + reply
            + ' '
            + length
            + ' '
            + (length + body.length())
            + "\r\n"
            + header
            + body
            + "\r\n");
  }

  /** Waits until the server has read all. */
  void flush() throws IOException {
    write("PING\r\n");
    String line = in.readLine();
    while (!"PONG".equals(line)) {
      if (line == null || line.startsWith("-ERR")) {
        throw new IOException("The server says: " + line);
      }
      line = in.readLine();
    }
  }

  boolean refusedToPublish(String subject) throws IOException {
    return refused("PUB " + subject + " 0\r\n\r\n");
  }

  boolean refusedToSubscribe(String subject) throws IOException {
    return refused("SUB " + subject + " 7\r\n");
  }

  private boolean refused(String command) throws IOException {
    write(command + "PING\r\n");
    boolean refused = false;
    for (String line = in.readLine(); !"PONG".equals(line); line = in.readLine()) {
      if (line == null) {
        throw new IOException("The server has closed the connection.");
      }
      refused |= line.startsWith("-ERR 'Permissions Violation");
    }
    return refused;
  }

  private void write(String text) throws IOException {
    out.write(text.getBytes(ISO_8859_1));
    out.flush();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
