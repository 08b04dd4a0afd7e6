// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.vsock.access.VsockAccessProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A hub in a process of its own, on the plain module path, which can be killed, stopped and
 * started; its issuer is in this one.
 */
public final class HubProcess implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path folder;
  private final CredentialIssuer issuer;
  private @Nullable Process process;

  private HubProcess(Path folder) {
    this.folder = folder;
    this.issuer =
        new VsockAccessProvider().open(Map.of("dir", folder.toString(), "hub", "apart")::get);
  }

  /** In a new folder that {@link #close} removes. */
  public static HubProcess start() {
    try {
      HubProcess hub = new HubProcess(Files.createTempDirectory("fl-hub-"));
      hub.restart();
      return hub;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public CredentialIssuer issuer() {
    return issuer;
  }

  public Path socket() {
    return folder.resolve("hub.sock");
  }

  public Path folder() {
    return folder;
  }

  /** The resident memory of the process, in KiB. */
  public long resident() throws IOException {
    try (Stream<String> lines =
        Files.lines(Path.of("/proc/" + Objects.requireNonNull(process).pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElseThrow();
    }
  }

  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** As a crash would; it stays down. */
  public void kill() {
    Process running = Objects.requireNonNull(process);
    running.destroyForcibly();
    await().atMost(PATIENCE).until(() -> !running.isAlive());
  }

  /** Returns when it answers. */
  public void restart() {
    try {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx384m",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-p",
                  Stream.of(
                          TransportProvider.class,
                          KeptTransport.class,
                          VsockTransportProvider.class)
                      .map(type -> where(type).toString())
                      .collect(Collectors.joining(":")),
                  "-m",
                  "dev.fairlead.transport.vsock/dev.fairlead.transport.vsock.access.Main",
                  folder.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("hub.log").toFile()))
              .start();
      await().atMost(PATIENCE).until(this::answers);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean answers() {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket()));
    } catch (IOException e) {
      if (!isAlive()) {
        throw new IllegalStateException("The hub has ended: see " + folder.resolve("hub.log"), e);
      }
      return false;
    }
  }

  private static Path where(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Stops it where it stands. */
  public void stall() {
    signal("STOP");
    Process running = process;
    await().atMost(PATIENCE).until(() -> running == null || isStopped(running));
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

  /** Lets it go on. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    Process running = process;
    if (running == null || !running.isAlive()) {
      return;
    }
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(running.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    if (isAlive()) {
      kill();
    }
    issuer.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a grant to one computation is. */
  public static List<String> up(String id) {
    return List.of("fl/" + id + "/up/**");
  }
}
