// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.Faults;
import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.UnixFaults;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * vsock, with its hub in a process of its own on this module path: killed, stopped and started as
 * any other process. The access side is in this one, and the hub follows its book.
 */
final class HubHarness implements Harness {

  private static final String HUB =
      "dev.fairlead.transport.vsock/dev.fairlead.transport.vsock.access.Main";
  private static final Duration START = Duration.ofSeconds(30);
  private static final long POLL_NANOS = 10_000_000;

  private final TemporaryFolder folder;
  private final TransportProvider provider;
  private final CredentialIssuer issuer;
  private final UnixFaults faults;
  private @Nullable Process hub;

  private HubHarness(TemporaryFolder folder) {
    this.folder = folder;
    this.provider = Services.transport("vsock");
    this.issuer =
        Services.access("vsock").open(Map.of("dir", folder.path().toString(), "hub", "apart")::get);
    this.faults =
        new UnixFaults(
            socket(), this::kill, this::startHub, () -> signal("STOP"), () -> signal("CONT"));
  }

  static Harness start() {
    HubHarness harness = new HubHarness(TemporaryFolder.create());
    harness.startHub();
    return harness;
  }

  @Override
  public TransportProvider provider() {
    return provider;
  }

  @Override
  public CredentialIssuer issuer() {
    return issuer;
  }

  @Override
  public Faults faults() {
    return faults;
  }

  @Override
  public URI endpoint(String subject) {
    return faults.endpoint(subject);
  }

  private Path socket() {
    return folder.path().resolve("hub.sock");
  }

  private void startHub() {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    String modules = System.getProperty("jdk.module.path");
    try {
      Process started =
          new ProcessBuilder(
                  java.toString(),
                  "-Xmx384m",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-p",
                  modules,
                  "-m",
                  HUB,
                  folder.path().toString())
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.path().resolve("hub.log").toFile()))
              .start();
      hub = started;
      long end = System.nanoTime() + START.toNanos();
      while (!answers()) {
        if (!started.isAlive() || System.nanoTime() > end) {
          throw new IllegalStateException("The hub does not answer: see hub.log in " + folder);
        }
        LockSupport.parkNanos(POLL_NANOS);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The hub does not start.", e);
    }
  }

  private boolean answers() {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket()));
    } catch (IOException e) {
      return false;
    }
  }

  private void kill() {
    Process running = hub;
    if (running != null) {
      running.destroyForcibly().onExit().join();
    }
  }

  private void signal(String name) {
    Process running = hub;
    if (running == null || !running.isAlive()) {
      return;
    }
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(running.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException("The hub cannot be sent a signal.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    faults.close();
    kill();
    issuer.close();
    folder.close();
  }
}
