// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What carries a transport's messages, as a process that can be broken, with the access side in
 * this one: a broker or a hub. It is started again by itself when it dies. Safe for use by several
 * threads.
 */
public final class Carrier implements AutoCloseable {

  /** The transport whose hub, unless told otherwise, is in the process that issues credentials. */
  private static final String WITH_A_HUB = "vsock";

  private static final String HUB = "dev.fairlead.transport.vsock.access.Main";

  private final CredentialIssuer issuer;
  private final LongSupplier pid;
  private final List<AutoCloseable> parts;

  private Carrier(CredentialIssuer issuer, LongSupplier pid, List<AutoCloseable> parts) {
    this.issuer = issuer;
    this.pid = pid;
    this.parts = List.copyOf(parts);
  }

  /**
   * Starts one, and waits until it answers.
   *
   * @param transport its name
   * @param folder where all that it keeps lies; a short path, since sockets may lie in it
   * @param more settings of the access side
   * @throws IOException when the transport is not there, or its peer does not start
   * @throws dev.fairlead.transport.api.TransportException as the access side throws it
   */
  public static Carrier open(String transport, Path folder, Map<String, String> more)
      throws IOException {
    return open(transport, folder, more, JavaProcess.SMALL);
  }

  /**
   * Starts one, and waits until it answers.
   *
   * @param transport its name
   * @param folder where all that it keeps lies; a short path, since sockets may lie in it
   * @param more settings of the access side
   * @param jvm options of the JVM of a hub
   * @throws IOException when the transport is not there, or its peer does not start
   * @throws dev.fairlead.transport.api.TransportException as the access side throws it
   */
  public static Carrier open(
      String transport, Path folder, Map<String, String> more, List<String> jvm)
      throws IOException {
    AccessProvider provider = provider(transport);
    Files.createDirectories(folder);
    if (transport.equals(WITH_A_HUB)) {
      return withHub(provider, folder, jvm);
    }
    Set<Long> before = children(any -> true);
    Map<String, String> settings = new HashMap<>(more);
    settings.put("dir", folder.toString());
    CredentialIssuer issuer = provider.open(settings::get);
    Set<Long> started = children(child -> !before.contains(child.pid()));
    List<String> programs =
        started.stream().flatMap(p -> program(p).stream()).distinct().collect(Collectors.toList());
    if (programs.size() != 1) {
      issuer.close();
      throw new IOException(
          "The broker of %s cannot be told from other processes: %s."
              .formatted(transport, programs));
    }
    String program = programs.get(0);
    return new Carrier(
        issuer,
        () ->
            children(child -> program.equals(child.info().command().orElse(""))).stream()
                .findFirst()
                .orElse(0L),
        List.of(issuer));
  }

  private static Carrier withHub(AccessProvider provider, Path folder, List<String> jvm)
      throws IOException {
    CredentialIssuer issuer = provider.open(Map.of("dir", folder.toString(), "hub", "apart")::get);
    URI endpoint = issuer.endpoint().uri();
    List<String> command =
        new ArrayList<>(
            JavaProcess.command(
                jvm, System.getProperty("java.class.path"), HUB, List.of(folder.toString())));
    Path java = Path.of(command.remove(0));
    ServerProcess hub =
        new ServerProcess(
            java, () -> command, folder.resolve("hub.log"), () -> listens(endpoint.getPath()));
    try {
      hub.start();
    } catch (RuntimeException e) {
      issuer.close();
      throw e;
    }
    return new Carrier(issuer, hub::pid, List.of(hub, issuer));
  }

  private static boolean listens(String socket) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket));
    }
  }

  private static AccessProvider provider(String transport) throws IOException {
    List<AccessProvider> all =
        ServiceLoader.load(AccessProvider.class).stream().map(ServiceLoader.Provider::get).toList();
    return all.stream()
        .filter(one -> one.name().equals(transport))
        .findFirst()
        .orElseThrow(
            () ->
                new IOException(
                    "There is no transport '%s'; there are: %s."
                        .formatted(
                            transport,
                            all.stream()
                                .map(AccessProvider::name)
                                .sorted()
                                .collect(Collectors.joining(", ")))));
  }

  private static Set<Long> children(Predicate<ProcessHandle> which) {
    return ProcessHandle.current()
        .children()
        .filter(which)
        .map(ProcessHandle::pid)
        .collect(Collectors.toSet());
  }

  private static Optional<String> program(long pid) {
    return ProcessHandle.of(pid).flatMap(handle -> handle.info().command());
  }

  /** Its access side. */
  public CredentialIssuer issuer() {
    return issuer;
  }

  /** Its process at present; empty while it is down. */
  public OptionalLong pid() {
    long found = pid.getAsLong();
    return found > 0 ? OptionalLong.of(found) : OptionalLong.empty();
  }

  /** Ends it. Idempotent. */
  @Override
  public void close() {
    for (AutoCloseable part : parts) {
      try {
        part.close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("What carries messages does not end.", e);
      }
    }
  }
}
