// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.bench.results.Counts;
import dev.fairlead.bench.rig.Carrier;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.computations.store.StoreFiles;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A transport of ours: its own broker or hub with credentials, our agents, our collector. */
final class OurSetup implements Setup {

  private static final String FLEET = "bench";
  private static final String COMPUTATION = "c";
  private static final Duration LIFETIME = Duration.ofHours(26); // longer than the longest run
  private static final long DRAIN_SECONDS = 60;

  /** How names of the store's files end. */
  private static final String SEGMENT = ".seg";

  /** What a stream has under way at most: as agents are configured. */
  static final long WINDOW_BYTES = 8L << 20;

  private final String transport;
  private final Map<String, String> settings;
  private final Path folder;
  private final Load load;
  private final List<String> jvm;
  private @Nullable Carrier carrier;
  private @Nullable Party sender;
  private @Nullable Party receiver;
  private @Nullable Endpoint endpoint;
  private final Counter counter;

  /**
   * Makes one that has not begun.
   *
   * @param settings of the transport's client side, beside what it needs anyway
   * @param folder an empty one, a short path
   * @param jvm options of all JVMs
   */
  OurSetup(
      String transport, Map<String, String> settings, Path folder, Load load, List<String> jvm) {
    this.transport = transport;
    this.settings = Map.copyOf(settings);
    this.folder = folder;
    this.load = load;
    this.jvm = jvm;
    this.counter = new Counter(load.bytes());
  }

  @Override
  public void startCarrier() throws IOException {
    try {
      Carrier opened = Carrier.open(transport, folder.resolve("b"), Map.of(), jvm);
      carrier = opened;
      CredentialIssuer issuer = opened.issuer();
      endpoint = issuer.endpoint();
      if (sender == null) {
        receiver = collector(issuer);
        sender = agents(issuer);
      } else {
        admit(issuer);
      }
    } catch (TransportException e) {
      throw new BenchException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public void endCarrier() {
    Carrier now = carrier;
    carrier = null;
    if (now != null) {
      now.close();
    }
  }

  private Party collector(CredentialIssuer issuer) throws IOException {
    Path own = Files.createDirectory(folder.resolve("c"));
    Addresses addresses = Addresses.ofCollector(FLEET);
    SortedMap<String, String> words = words(issuer.endpoint(), issuer.endpoint().uri());
    words.put(
        Words.CREDENTIAL_FILE,
        secret(own, List.of(credential(issuer, addresses).content())).toString());
    return new Party("the collector", own, jvm, classPath(), BenchCollector.class.getName(), words);
  }

  private Party agents(CredentialIssuer issuer) throws IOException {
    Path own = Files.createDirectory(folder.resolve("a"));
    List<String> credentials = new ArrayList<>();
    for (int i = 1; i <= load.agents(); i++) {
      credentials.add(
          credential(issuer, Addresses.ofComputation(FLEET, COMPUTATION + i)).content());
    }
    SortedMap<String, String> words = words(issuer.guestEndpoint(), admit(issuer));
    words.put(Words.COMPUTATION, COMPUTATION);
    words.put(Words.DRAIN_SECONDS, Long.toString(DRAIN_SECONDS));
    words.put(Words.CREDENTIAL_FILE, secret(own, credentials).toString());
    return new Party("the agent", own, jvm, classPath(), BenchAgent.class.getName(), words);
  }

  /**
   * Where agents come in. A single one comes in by a socket of its own, as a VM does by the hybrid
   * convention, where the transport knows its peers by where they come from.
   */
  private URI admit(CredentialIssuer issuer) {
    if (load.agents() == 1 && issuer instanceof PeerAdmission peers) {
      URI door = URI.create("unix://" + folder.resolve("vm"));
      var unused = peers.admit(COMPUTATION + 1, door); // for as long as the hub is there
      return URI.create(door + "_" + issuer.guestEndpoint().uri().getPort());
    }
    return issuer.endpoint().uri();
  }

  private SortedMap<String, String> words(Endpoint to, URI by) {
    SortedMap<String, String> words = new TreeMap<>(load.words());
    words.put(Words.TRANSPORT, transport);
    words.put(Words.FLEET, FLEET);
    words.put(Words.ENDPOINT, by.toString());
    if (to.caSha256() != null) {
      words.put(Words.CA, to.caSha256());
    }
    settings.forEach((name, value) -> words.put(Way.SETTING + name, value));
    return words;
  }

  private static Path secret(Path own, List<String> credentials) throws IOException {
    Path file =
        Files.createFile(
            own.resolve("credential"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.write(file, credentials, UTF_8);
  }

  private static Credential credential(CredentialIssuer issuer, Addresses party) {
    return issuer.issue(new Grant(party.party(), party.sends(), party.receives()), LIFETIME);
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
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
    Carrier now = carrier;
    return now == null ? OptionalLong.empty() : now.pid();
  }

  @Override
  public boolean carrierAnswers() {
    return Door.isOpen(begun(endpoint).uri());
  }

  /** A file of the store is whole as soon as there is a newer one. */
  @Override
  public void recountAndDrop() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(receiver().kept())) {
      files = all.filter(file -> file.toString().endsWith(SEGMENT)).sorted().toList();
    }
    if (files.size() < 2) {
      return;
    }
    Path aside = Files.createDirectories(folder.resolve("x"));
    for (Path file : files.subList(0, files.size() - 1)) {
      Files.move(file, aside.resolve(String.valueOf(file.getFileName())));
    }
    StoreFiles.read(Disk.of(aside), counter);
    for (Path file : files.subList(0, files.size() - 1)) {
      Files.deleteIfExists(aside.resolve(String.valueOf(file.getFileName())));
    }
  }

  @Override
  public Counts recount() throws IOException {
    StoreFiles.read(Disk.of(receiver().kept()), counter);
    Party agent = sender();
    long appended = agent.gauge(Gauge.MADE) + agent.gauge(Gauge.QUIET);
    return counter.recount.counts(appended, agent.gauge(Gauge.REFUSED));
  }

  /** Reads the numbers out of what is stored. */
  private static final class Counter implements StoreFiles.Visitor {
    private final Recount recount = new Recount();
    private final int bytes;
    private final Map<String, Records> byComputation = new TreeMap<>();

    Counter(int bytes) {
      this.bytes = bytes;
    }

    @Override
    public void records(StreamId stream, long first, List<byte[]> records) {
      String address = stream.address();
      Records made =
          byComputation.computeIfAbsent(
              address,
              absent ->
                  new Records(
                      Addresses.parse(address).map(Addresses::party).orElse("none"),
                      bytes,
                      InstantSource.system()));
      for (byte[] record : records) {
        recount.meet(address, made.number(record));
      }
    }

    @Override
    public void gap(StreamId stream, long first, long last, String reason) {
      // What a gap stands for is not there, and counts as lost.
    }

    @Override
    public void damaged(long length) {
      recount.meet("", 0);
    }
  }

  @Override
  public void close() {
    Closing.all(sender, receiver, carrier);
    carrier = null;
  }
}
