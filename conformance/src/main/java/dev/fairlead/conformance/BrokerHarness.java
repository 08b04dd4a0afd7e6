// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.Faults;
import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TcpFaults;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A transport whose access side starts its broker as a child process: killed as the kernel would,
 * and started again by the access side itself, as in production.
 */
final class BrokerHarness implements Harness {

  private static final Duration RESTART = Duration.ofSeconds(20);
  private static final int CONNECT_MILLIS = 1000;

  private final TransportProvider provider;
  private final Path folder;
  private final String program;
  private final boolean stores;
  private final CredentialIssuer issuer;
  private final TcpFaults faults;

  private BrokerHarness(
      TransportProvider provider, Path folder, String program, Map<String, String> more) {
    this.provider = provider;
    this.folder = folder;
    this.program = program;
    this.stores = more.containsKey("store");
    Map<String, String> settings = new HashMap<>(more);
    settings.put("dir", folder.toString());
    this.issuer = Services.access(provider.name()).open(settings::get);
    this.faults = new TcpFaults(issuer.endpoint().uri(), this::killBroker, this::awaitBroker);
  }

  /**
   * Starts a broker in a folder of its own.
   *
   * @param program the file name of the broker's program
   * @param settings of the access side, beside its folder
   */
  static Harness start(String transport, String program, Map<String, String> settings) {
    try {
      Path folder = Files.createTempDirectory("fairlead-tck-" + transport + "-");
      return new BrokerHarness(Services.transport(transport), folder, program, settings);
    } catch (IOException e) {
      throw new UncheckedIOException("There is no folder for the broker.", e);
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

  @Override
  public boolean stores() {
    return stores;
  }

  private void killBroker() {
    List<ProcessHandle> running =
        ProcessHandle.current().children().filter(this::isBroker).toList();
    if (running.isEmpty()) {
      throw new IllegalStateException("No " + program + " is running: its access side lost it.");
    }
    running.forEach(ProcessHandle::destroyForcibly);
    running.forEach(process -> process.onExit().join());
  }

  private boolean isBroker(ProcessHandle process) {
    return process.info().command().filter(file -> file.endsWith("/" + program)).isPresent();
  }

  /** Waits until the broker that the access side has started again answers on its port. */
  private void awaitBroker() {
    URI uri = issuer.endpoint().uri();
    long end = System.nanoTime() + RESTART.toNanos();
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(uri.getHost(), uri.getPort()), CONNECT_MILLIS);
        return;
      } catch (IOException e) {
        if (System.nanoTime() > end) {
          throw new UncheckedIOException(program + " does not come back.", e);
        }
        Thread.onSpinWait();
      }
    }
  }

  @Override
  public void close() {
    faults.close();
    issuer.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The broker's folder cannot be removed.", e);
    }
  }
}
