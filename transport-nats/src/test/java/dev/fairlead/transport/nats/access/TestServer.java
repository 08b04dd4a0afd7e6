// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.base.broker.Certificates;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;

/** A nats-server that lets everybody in, with a certificate of the test's choice. */
public final class TestServer implements AutoCloseable {

  private final int port;
  private final ServerProcess process;

  private TestServer(Path folder, String tls) {
    try {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = socket.getLocalPort();
      }
      Path file = folder.resolve("server.conf");
      PrivateFiles.write(
          file, "server_name: test-%d\nlisten: \"127.0.0.1:%d\"\n%s".formatted(port, port, tls));
      process =
          new ServerProcess(
              ServerProcess.find(null, "nats-server", "run: apt-get install -y nats-server"),
              () -> List.of("-c", file.toString()),
              folder.resolve("server.log"),
              () ->
                  Greeting.comes(
                      new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                      "test-" + port));
      process.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static TestServer plain(Path folder) {
    return new TestServer(folder, "");
  }

  /** One that sends its own certificate, and those given beside it. */
  public static TestServer tls(Path folder, TestAuthority.Server server, X509Certificate... chain) {
    try {
      Path cert = folder.resolve("cert.pem");
      Path key = folder.resolve("key.pem");
      PrivateFiles.write(cert, Certificates.pem(server.certificate()) + Certificates.pem(chain));
      PrivateFiles.write(key, server.key());
      return new TestServer(
          folder, "tls: { cert_file: \"%s\", key_file: \"%s\" }\n".formatted(cert, key));
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
