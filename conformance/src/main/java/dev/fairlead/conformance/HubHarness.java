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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A transport whose hub can be a process of its own: killed and stopped as the kernel would, while
 * its access side stays here.
 */
final class HubHarness implements Harness {

  private static final Duration RESTART = Duration.ofSeconds(20);

  private final TransportProvider provider;
  private final Path folder;
  private final String main;
  private final CredentialIssuer issuer;
  private final UnixFaults faults;
  private volatile Process process;

  private HubHarness(TransportProvider provider, Path folder, String main) throws IOException {
    this.provider = provider;
    this.folder = folder;
    this.main = main;
    this.issuer =
        Services.access(provider.name())
            .open(Map.of("dir", folder.toString(), "hub", "apart")::get);
    this.process = launch();
    awaitHub();
    this.faults =
        new UnixFaults(
            Path.of(issuer.endpoint().uri().getPath()),
            this::kill,
            this::restart,
            this::stall,
            () -> signal("CONT"));
  }

  /**
   * Starts a hub in a folder of its own.
   *
   * @param main module and class, of this JVM's own module path
   */
  static Harness start(String transport, String main) {
    try {
      Path folder = Files.createTempDirectory("fl-tck-" + transport + "-");
      return new HubHarness(Services.transport(transport), folder, main);
    } catch (IOException e) {
      throw new UncheckedIOException("The hub does not start.", e);
    }
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

  private Process launch() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-p",
            System.getProperty("jdk.module.path", ""),
            "-m",
            main,
            folder.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("hub.log").toFile()))
        .start();
  }

  private void kill() {
    process.destroyForcibly().onExit().join();
  }

  private void restart() {
    try {
      process = launch();
      awaitHub();
    } catch (IOException e) {
      throw new UncheckedIOException("The hub does not start again.", e);
    }
  }

  private void awaitHub() throws IOException {
    long end = System.nanoTime() + RESTART.toNanos();
    while (true) {
      try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        channel.connect(UnixDomainSocketAddress.of(Path.of(issuer.endpoint().uri().getPath())));
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() > end) {
          throw new IOException("No hub: " + Files.readString(folder.resolve("hub.log")), e);
        }
        Thread.onSpinWait();
      }
    }
  }

  private void stall() {
    signal("STOP");
    while (!isStopped(process)) {
      Thread.onSpinWait();
    }
  }

  /** A stop takes each thread where it runs, a moment after the signal. */
  private static boolean isStopped(Process process) {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
      for (Path thread : threads.toList()) {
        String stat = Files.readString(thread.resolve("stat"));
        if (stat.charAt(stat.lastIndexOf(')') + 2) != 'T') {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return !process.isAlive();
    }
  }

  private void signal(String name) {
    if (process.isAlive()) {
      try {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
      } catch (IOException e) {
        throw new UncheckedIOException("There is no kill.", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    faults.close();
    kill();
    issuer.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The hub's folder cannot be removed.", e);
    }
  }
}
