// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import dev.fairlead.transport.base.broker.Certificates;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;

/** A mosquitto that lets everybody in, with a certificate of the test's choice. */
public final class TestServer implements AutoCloseable {

  private final int port;
  private final ServerProcess process;

  private TestServer(Path folder, String more) {
    try {
      port = ServerProcess.freePort("127.0.0.1");
      Path file = folder.resolve("server.conf");
      String user = "root".equals(System.getProperty("user.name")) ? "user root\n" : "";
      PrivateFiles.write(
          file, user + "listener %d 127.0.0.1\nallow_anonymous true\n%s".formatted(port, more));
      process =
          new ServerProcess(
              ServerProcess.find(null, "mosquitto", "run: apt-get install -y mosquitto"),
              () -> List.of("-c", file.toString()),
              folder.resolve("server.log"),
              this::listens);
      process.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean listens() throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 2_000);
      return true;
    }
  }

  /** One with lines of the test's own in its configuration. */
  public static TestServer plain(Path folder, String more) {
    return new TestServer(folder, more);
  }

  /** One that sends its own certificate, and those given beside it. */
  public static TestServer tls(
      Path folder, TestAuthority.Server server, String more, X509Certificate... chain) {
    try {
      Path cert = folder.resolve("cert.pem");
      Path key = folder.resolve("key.pem");
      PrivateFiles.write(cert, Certificates.pem(server.certificate()) + Certificates.pem(chain));
      PrivateFiles.write(key, server.key());
      return new TestServer(folder, "certfile %s\nkeyfile %s\n%s".formatted(cert, key, more));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String uri(String scheme) {
    return scheme + "://127.0.0.1:" + port;
  }

  @Override
  public void close() {
    process.close();
  }
}
