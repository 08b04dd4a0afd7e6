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
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Transports of ours: each with a broker or hub of its own, our agents, our collector. */
final class OurSetup implements Setup {

  private static final String FLEET = "bench";
  private static final String COMPUTATION = "c";
  private static final Duration LIFETIME = Duration.ofHours(26); // longer than the longest run
  private static final long DRAIN_SECONDS = 60;

  /** How names of the store's files end. */
  private static final String SEGMENT = ".seg";

  /** Folders of what is recounted while the collector goes on, and of what was. */
  private static final String ASIDE = "x";

  private static final String RECOUNTED = "y";

  /** What a stream has under way at most: as agents are configured. */
  static final long WINDOW_BYTES = 8L << 20;

  private final List<String> transports;
  private final Map<String, String> settings;
  private final Path folder;
  private final Load load;
  private final List<String> jvm;
  private final Map<String, Carrier> carriers = new ConcurrentHashMap<>();
  private @Nullable Party sender;
  private @Nullable Party receiver;
  private final Counter counter;

  /**
   * Makes one that has not begun.
   *
   * @param transports that take part; agents begin with the first
   * @param settings of the transports' client sides, beside what they need anyway
   * @param folder an empty one, a short path
   * @param jvm options of all JVMs
   */
  OurSetup(
      List<String> transports,
      Map<String, String> settings,
      Path folder,
      Load load,
      List<String> jvm) {
    this.transports = List.copyOf(transports);
    this.settings = Map.copyOf(settings);
    this.folder = folder;
    this.load = load;
    this.jvm = jvm;
    this.counter = new Counter(load.bytes());
  }

  @Override
  public List<String> transports() {
    return transports;
  }

  @Override
  public void startCarrier() throws IOException {
    try {
      for (int i = 0; i < transports.size(); i++) {
        String name = transports.get(i);
        carriers.put(name, Carrier.open(name, folder.resolve("b" + i), Map.of(), jvm));
      }
      if (sender == null) {
        receiver = collector();
        sender = agents();
      } else {
        issuers().forEach(this::admit);
      }
    } catch (TransportException e) {
      throw new BenchException(String.valueOf(e.getMessage()), e);
    }
  }

  private List<CredentialIssuer> issuers() {
    return transports.stream().map(name -> begun(carriers.get(name)).issuer()).toList();
  }

  @Override
  public void endCarrier() {
    List<Carrier> now = List.copyOf(carriers.values());
    carriers.clear();
    Closing.all(now.toArray(AutoCloseable[]::new));
  }

  private Party collector() throws IOException {
    Path own = Files.createDirectory(folder.resolve("c"));
    Addresses addresses = Addresses.ofCollector(FLEET);
    SortedMap<String, String> words = words();
    for (CredentialIssuer issuer : issuers()) {
      Endpoint to = issuer.endpoint();
      tell(words, own, issuer, to, to.uri(), List.of(credential(issuer, addresses).content()));
    }
    return new Party("the collector", own, jvm, classPath(), BenchCollector.class.getName(), words);
  }

  private Party agents() throws IOException {
    Path own = Files.createDirectory(folder.resolve("a"));
    SortedMap<String, String> words = words();
    for (CredentialIssuer issuer : issuers()) {
      List<String> credentials = new ArrayList<>();
      for (int i = 1; i <= load.agents(); i++) {
        credentials.add(
            credential(issuer, Addresses.ofComputation(FLEET, COMPUTATION + i)).content());
      }
      tell(words, own, issuer, issuer.guestEndpoint(), admit(issuer), credentials);
    }
    words.put(Words.COMPUTATION, COMPUTATION);
    words.put(Words.DRAIN_SECONDS, Long.toString(DRAIN_SECONDS));
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

  private SortedMap<String, String> words() {
    SortedMap<String, String> words = new TreeMap<>(load.words());
    words.put(Words.TRANSPORTS, String.join(",", transports));
    words.put(Words.FLEET, FLEET);
    settings.forEach((name, value) -> words.put(Way.SETTING + name, value));
    return words;
  }

  /** Says of one transport what is to be known. */
  private static void tell(
      SortedMap<String, String> words,
      Path own,
      CredentialIssuer issuer,
      Endpoint to,
      URI by,
      List<String> credentials)
      throws IOException {
    String of = "." + issuer.transport();
    words.put(Words.ENDPOINT + of, by.toString());
    words.put(Words.CREDENTIAL_FILE + of, secret(own, of, credentials).toString());
    if (to.caSha256() != null) {
      words.put(Words.CA + of, to.caSha256());
    }
  }

  private static Path secret(Path own, String of, List<String> credentials) throws IOException {
    Path file =
        Files.createFile(
            own.resolve("credential" + of),
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
    Carrier now = transports.size() == 1 ? carriers.get(transports.get(0)) : null;
    return now == null ? OptionalLong.empty() : now.pid();
  }

  @Override
  public boolean carrierAnswers() {
    return issuers().stream().allMatch(issuer -> Door.isOpen(issuer.endpoint().uri()));
  }

  /** A file of the store is whole as soon as there is a newer one. */
  @Override
  public void recountSoFar() throws IOException {
    List<Path> files = segments(receiver().kept());
    if (files.size() < 2) {
      return;
    }
    Path aside = Files.createDirectories(folder.resolve(ASIDE));
    Path recounted = Files.createDirectories(folder.resolve(RECOUNTED));
    for (Path file : files.subList(0, files.size() - 1)) {
      move(file, aside);
    }
    StoreFiles.read(Disk.of(aside), counter);
    for (Path file : segments(aside)) {
      move(file, recounted);
    }
  }

  @Override
  public void drop() throws IOException {
    Path recounted = folder.resolve(RECOUNTED);
    if (Files.exists(recounted)) {
      for (Path file : segments(recounted)) {
        Files.delete(file);
      }
    }
  }

  private static List<Path> segments(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> file.toString().endsWith(SEGMENT)).sorted().toList();
    }
  }

  private static void move(Path file, Path folder) throws IOException {
    Files.move(file, folder.resolve(String.valueOf(file.getFileName())));
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
    Closing.all(sender, receiver, this::endCarrier);
  }
}
