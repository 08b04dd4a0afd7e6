// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.PlainBroker;
import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.bench.results.Counts;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportException;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A raw client: a plain broker, where it has one, and a process at each end. */
final class RawSetup implements Setup {

  private static final long DRAIN_SECONDS = 5;

  private final RawClients client;
  private final Path folder;
  private final Load load;
  private final List<String> jvm;
  private final String classPath;
  private @Nullable PlainBroker broker;
  private @Nullable Endpoint endpoint;
  private @Nullable Party sender;
  private @Nullable Party receiver;

  /** Where a process is told to connect. */
  static Endpoint endpoint(Words words) {
    return new Endpoint(URI.create(words.get(Words.ENDPOINT)), words.find(Words.CA));
  }

  /**
   * Makes one that has not begun.
   *
   * @param libraries the clients' jars; they go before what lies in transports of ours
   * @param folder an empty one, a short path
   */
  RawSetup(RawClients client, List<Path> libraries, Path folder, Load load, List<String> jvm) {
    this.client = client;
    this.folder = folder;
    this.load = load;
    this.jvm = jvm;
    StringBuilder path = new StringBuilder();
    libraries.forEach(jar -> path.append(jar).append(File.pathSeparatorChar));
    this.classPath = path.append(System.getProperty("java.class.path")).toString();
  }

  @Override
  public void startCarrier() throws IOException {
    Endpoint to;
    if (client == RawClients.UNIX_STREAM) {
      to = new Endpoint(URI.create("unix://" + folder.resolve("s")), null);
    } else {
      try {
        PlainBroker started =
            PlainBroker.start(client.transport(), folder.resolve("b"), client.isEncrypted());
        broker = started;
        to = started.endpoint();
      } catch (TransportException e) {
        throw new BenchException(String.valueOf(e.getMessage()), e);
      }
    }
    endpoint = to;
    SortedMap<String, String> words = new TreeMap<>(load.words());
    words.put(Words.TRANSPORT, client.label());
    words.put(Words.ENDPOINT, to.uri().toString());
    if (to.caSha256() != null) {
      words.put(Words.CA, to.caSha256());
    }
    words.put(Words.DRAIN_SECONDS, Long.toString(DRAIN_SECONDS));
    words.put(RawReceiver.RECEIVER, folder.resolve("c").toString());
    receiver =
        new Party(
            "the receiver",
            folder.resolve("c"),
            jvm,
            classPath,
            RawReceiver.class.getName(),
            words);
    sender =
        new Party(
            "the sender", folder.resolve("a"), jvm, classPath, RawSender.class.getName(), words);
  }

  @Override
  public void endCarrier() {
    PlainBroker now = broker;
    broker = null;
    if (now != null) {
      now.close();
    }
  }

  @Override
  public Party sender() {
    return begun(sender);
  }

  @Override
  public Party receiver() {
    return begun(receiver);
  }

  private static <T> T begun(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("It has not begun.");
    }
    return part;
  }

  @Override
  public OptionalLong carrier() {
    PlainBroker now = broker;
    long pid = now == null ? 0 : now.pid();
    return pid > 0 ? OptionalLong.of(pid) : OptionalLong.empty();
  }

  @Override
  public boolean carrierAnswers() {
    return Door.isOpen(begun(endpoint).uri());
  }

  @Override
  public Counts recount() throws IOException {
    long appended = sender().gauge(Gauge.MADE);
    long refused = sender().gauge(Gauge.REFUSED);
    String[] counts =
        Files.readString(folder.resolve("c").resolve(RawReceiver.COUNT)).strip().split(" ", -1);
    long stored = Long.parseLong(counts[0]);
    return new Counts(
        appended,
        stored,
        Math.max(0, appended - stored) + Long.parseLong(counts[3]),
        Long.parseLong(counts[1]),
        Long.parseLong(counts[2]),
        refused);
  }

  @Override
  public void close() {
    Closing.all(sender, receiver, broker);
    broker = null;
  }
}
