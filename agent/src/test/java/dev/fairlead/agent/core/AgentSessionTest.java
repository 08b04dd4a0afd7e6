// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.Upload;
import dev.fairlead.agent.run.BinKind;
import dev.fairlead.agent.run.Digests;
import dev.fairlead.agent.run.PlainSandbox;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Books;
import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole agent over the reference transport, with a collector at the other end. */
class AgentSessionTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  private static final Addresses ADDRESSES = Addresses.ofComputation("fl", "c1");

  private static final byte[] JAR = "as good as a jar".getBytes(UTF_8);

  @TempDir Path directory;

  private final InstantSource clock = InstantSource.system();
  private final MemoryHub hub = MemoryHub.start("hub-" + UUID.randomUUID(), clock);
  private final MemoryIssuer issuer = new MemoryIssuer(hub, clock);
  private final CountDownLatch greeted = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicReference<Throwable> fatal = new AtomicReference<>();
  private final KeyPair programmer = Keys.ed25519();

  private volatile @Nullable BundleUpdater updater;
  private final Collector collector = new Collector();
  private AgentSession session;

  /** Takes both streams, heartbeats and hellos, as the registry would. */
  private final class Collector implements BatchStore, AutoCloseable {

    final Map<String, List<String>> records = new ConcurrentHashMap<>();
    final Map<StreamId, Long> stored = new ConcurrentHashMap<>();
    final ConcurrentLinkedQueue<Hello> hellos = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Heartbeat> heartbeats = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Message> arrivals = new ConcurrentLinkedQueue<>();
    private final Runner runner = Runner.start("collector");
    private final Switchboard switchboard = new Switchboard(runner, SwitchboardListener.NONE);
    private @Nullable Inbox inbox;

    void open() {
      connect();
      takeRecords();
    }

    /** Hears everything, and acknowledges nothing. */
    void connect() {
      Addresses mine = Addresses.ofCollector("fl");
      switchboard.use(
          new MemoryTransportProvider(),
          settings(mine.party(), mine.sends(), mine.receives()),
          Duration.ofSeconds(10));
      switchboard.subscribe("fl/*/up/**", arrivals::add);
      switchboard.subscribe(
          Addresses.everyUp("fl", "hello"), m -> hellos.add(Hello.parse(m.bytes())));
      switchboard.subscribe(
          Addresses.everyUp("fl", "heartbeat"), m -> heartbeats.add(Heartbeat.parse(m.bytes())));
      await().until(switchboard::connected);
    }

    void takeRecords() {
      inbox =
          new Inbox(
              switchboard,
              runner,
              this,
              List.of(Addresses.everyUp("fl", "events"), Addresses.everyUp("fl", "logs")),
              stream -> {
                String name = stream.address().substring(stream.address().lastIndexOf('/') + 1);
                return Optional.of(ADDRESSES.acks(name));
              },
              InboxListener.NONE);
    }

    /** Where in the order of arrival the first is, from some place on; -1 where there is none. */
    int arrived(int from, Predicate<Message> wanted) {
      List<Message> all = List.copyOf(arrivals);
      for (int i = from; i < all.size(); i++) {
        if (wanted.test(all.get(i))) {
          return i;
        }
      }
      return -1;
    }

    void send(String address, byte[] payload) {
      switchboard.send(new Message(address, payload)).toCompletableFuture().join();
    }

    List<Event> events() {
      return lines("events").stream().map(line -> Event.parse(line.getBytes(UTF_8))).toList();
    }

    List<String> lines(String name) {
      List<String> lines = records.get(ADDRESSES.stream(name));
      if (lines == null) {
        return List.of();
      }
      synchronized (lines) {
        return List.copyOf(lines);
      }
    }

    @Override
    public CompletionStage<Void> append(Batch batch) {
      List<String> lines =
          records.computeIfAbsent(batch.stream().address(), any -> new ArrayList<>());
      synchronized (lines) {
        batch.records().forEach(record -> lines.add(new String(record, UTF_8)));
      }
      stored.put(batch.stream(), batch.last());
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return stored.getOrDefault(stream, 0L);
    }

    @Override
    public void close() {
      if (inbox != null) {
        inbox.close();
      }
      switchboard.close();
      runner.close();
    }
  }

  private java.util.function.Function<String, String> settings(
      String subject, List<String> sends, List<String> receives) {
    Credential credential = issuer.issue(new Grant(subject, sends, receives), Duration.ofHours(1));
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> hub.uri().toString();
          case TransportProvider.CREDENTIAL -> credential.content();
          case MemoryTransportProvider.SILENCE_MILLIS -> "1000";
          default -> null;
        };
  }

  @BeforeEach
  void start() throws Exception {
    Credential credential =
        issuer.issue(new Grant("c1", ADDRESSES.sends(), ADDRESSES.receives()), Duration.ofHours(1));
    BootFacts facts =
        new BootFacts(
            "c1",
            "fl",
            "memory",
            List.of(new TransportFact("memory", hub.uri(), null)),
            BootFacts.Channel.INITRD,
            credential.sha256(),
            null,
            List.of(),
            false,
            List.of(HexFormat.of().formatHex(Digests.sha2().digest(JAR))));
    session =
        new AgentSession(
            new AgentSession.Setup(
                new StartFacts(facts, credential.content()),
                new AgentSettings(
                    1 << 24,
                    1 << 20,
                    2,
                    new RunLimits(Duration.ofSeconds(120), 1 << 28, 64, 1 << 26, 1 << 24, 1 << 20),
                    false,
                    true),
                directory,
                new PlainSandbox(directory.resolve("runs")),
                name -> Optional.of(new BinKind()),
                clock,
                new SecureRandom(),
                "test",
                1 << 20,
                null,
                0,
                Duration.ofMillis(200),
                Duration.ofSeconds(10),
                greeted::countDown,
                ended::countDown,
                fatal::set,
                () -> updater));
  }

  @AfterEach
  void end() {
    session.close();
    collector.close();
    issuer.close();
    hub.close();
    assertThat(fatal.get()).isNull();
    // Told to end, they do so in their own time.
    await()
        .untilAsserted(
            () ->
                assertThat(Thread.getAllStackTraces().keySet())
                    .noneMatch(thread -> thread.getName().startsWith("fairlead-agent")));
  }

  private byte[] envelope(byte[] script) {
    return new ManifestEnvelope(
            "c1",
            Keys.manifest("", Keys.entry(script, programmer), List.of(), List.of(Keys.ed25519())))
        .toJson();
  }

  private void upload(byte[] script) {
    Agent agent = session.agent();
    try (Upload upload =
        agent.uploadAlgorithm(
            Keys.proof(
                programmer,
                agent.challenge(Role.ALGORITHM_PROVIDER),
                Role.ALGORITHM_PROVIDER,
                Keys.sha3(script)),
            AlgorithmParameters.DEFAULT)) {
      upload.write(ByteBuffer.wrap(script));
      upload.complete();
    }
  }

  private void manifestFor(byte[] script) {
    collector.open();
    session.offer(new MemoryTransportProvider());
    await().until(() -> !collector.hellos.isEmpty());
    collector.send(ADDRESSES.manifest(), envelope(script));
    await().until(() -> session.agent().status().state() == AgentState.RECEIVING_ALGORITHM);
  }

  @Test
  void saysHelloUntilItHasItsManifestAndThenLivesOn() throws Exception {
    // Nobody hears the first hellos: whoever answers comes later.
    session.offer(new MemoryTransportProvider());
    assertThat(greeted.await(20, TimeUnit.SECONDS)).isTrue();
    manifestFor("x".getBytes(UTF_8));
    Hello hello = collector.hellos.peek();
    assertThat(hello.computationId()).isEqualTo("c1");
    assertThat(hello.state()).isEqualTo(AgentState.RECEIVING_MANIFEST);
    await()
        .until(
            () ->
                collector.heartbeats.stream()
                    .anyMatch(beat -> beat.state() == AgentState.RECEIVING_ALGORITHM));
    Heartbeat beat = collector.heartbeats.peek();
    assertThat(beat.epoch()).isEqualTo(hello.epoch());
    assertThat(beat.load().memoryTotal()).isPositive();
    await()
        .untilAsserted(
            () ->
                assertThat(collector.events())
                    .extracting(Event::type)
                    .containsExactly("ReceivingManifest", "ReceivingAlgorithm"));
  }

  @Test
  void deliversEveryLineExactlyThoughTheBrokerDiesMeanwhile() {
    byte[] script =
        "#!/bin/sh\ni=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done\n"
            .getBytes(UTF_8);
    manifestFor(script);
    upload(script);
    await().until(() -> collector.lines("logs").size() > 2000);
    hub.kill();
    hub.restart();
    await().atMost(Duration.ofSeconds(60)).until(() -> collector.lines("logs").size() >= 30_000);
    int i = 0;
    for (String line : collector.lines("logs")) {
      LogRecord record = LogRecord.parse(line.getBytes(UTF_8));
      assertThat(record.message()).isEqualTo("line " + i++);
      assertThat(record.source()).isEqualTo("stdout");
    }
    assertThat(i).isEqualTo(30_000);
    await()
        .until(
            () -> collector.events().stream().anyMatch(e -> e.type().equals("ConsumingResults")));
    await()
        .until(
            () ->
                session.books().values().stream()
                    .allMatch(books -> books.queued() == 0 && books.balanced()));
    assertThat(session.agent().status().books().toString())
        .contains("logs=StreamBooks[appended=30000, delivered=30000, queued=0, dropped=0]");
  }

  @Test
  void aNewerBundleTakesTheLinkOverWhileLinesFlow() {
    byte[] script =
        "#!/bin/sh\ni=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done\n"
            .getBytes(UTF_8);
    TransportProvider old = new MemoryTransportProvider();
    TransportProvider next = new MemoryTransportProvider();
    collector.open();
    session.offer(old);
    await().until(() -> !collector.hellos.isEmpty());
    collector.send(ADDRESSES.manifest(), envelope(script));
    await().until(() -> session.agent().status().state() == AgentState.RECEIVING_ALGORITHM);
    CountDownLatch sawSwapRefused = new CountDownLatch(1);
    updater = new Moving(old, next, sawSwapRefused);
    List<BundleRequest> asked = new CopyOnWriteArrayList<>();
    collector.switchboard.subscribe(
        ADDRESSES.bundles(),
        message -> {
          BundleRequest request = BundleRequest.parse(message.bytes());
          asked.add(request);
          var unused =
              collector.switchboard.send(
                  new Message(
                      ADDRESSES.replies(),
                      Map.of(
                          Requester.HEADER,
                          Objects.requireNonNull(message.headers().get(Requester.HEADER))),
                      ByteBuffer.wrap(request instanceof BundleRequest.Piece ? JAR : new byte[0])));
        });
    upload(script);
    await().until(() -> collector.lines("logs").size() > 2000);
    collector.send(
        ADDRESSES.commands(),
        new Command.Bundle("7", "a.b", "2", JAR.length, "0".repeat(64)).toJson());
    collector.send(
        ADDRESSES.commands(),
        new Command.Bundle(
                "8", "a.b", "2", JAR.length, HexFormat.of().formatHex(Digests.sha2().digest(JAR)))
            .toJson());
    collector.send(
        ADDRESSES.commands(),
        new Command.Swap("9", "memory", null, null, "x", Instant.now().plusSeconds(60)).toJson());
    await()
        .until(
            () ->
                collector.heartbeats.stream()
                    .anyMatch(
                        beat ->
                            beat.swap() != null && "change-under-way".equals(beat.swap().code())));
    byte[] copies =
        new Command.Shadow("10", "memory", "x", Instant.now().plusSeconds(60), Command.Inject.NONE)
            .toJson();
    collector.send(ADDRESSES.commands(), copies);
    await().until(() -> refusals().contains("change-under-way"));
    sawSwapRefused.countDown();
    await().until(() -> asked.stream().anyMatch(AgentSessionTest::isDone));
    assertThat(asked)
        .filteredOn(BundleRequest.Outcome.class::isInstance)
        .extracting(BundleRequest::command)
        .contains("7", "8");
    await()
        .untilAsserted(
            () ->
                assertThat(collector.events())
                    .filteredOn(event -> event.type().equals("BundleChange"))
                    .extracting(Event::status)
                    .containsExactly("Failed", "Completed"));
    collector.send(ADDRESSES.commands(), copies); // given again, it counts
    await().until(() -> refusals().contains("same-transport"));
    await().atMost(Duration.ofSeconds(60)).until(() -> collector.lines("logs").size() >= 30_000);
    int i = 0;
    for (String line : collector.lines("logs")) {
      assertThat(LogRecord.parse(line.getBytes(UTF_8)).message()).isEqualTo("line " + i++);
    }
    assertThat(i).isEqualTo(30_000);
  }

  private List<String> refusals() {
    return collector.events().stream()
        .filter(event -> event.type().equals("CommandRefused"))
        .map(event -> event.details().optionalString("code").orElse(""))
        .toList();
  }

  private static boolean isDone(BundleRequest request) {
    return request instanceof BundleRequest.Outcome outcome && outcome.done();
  }

  /** Does to the session what a change of a bundle does, with providers that are there. */
  private final class Moving implements BundleUpdater {

    private final TransportProvider old;
    private final TransportProvider next;
    private final CountDownLatch go;

    Moving(TransportProvider old, TransportProvider next, CountDownLatch go) {
      this.old = old;
      this.next = next;
      this.go = go;
    }

    @Override
    public List<Standing> list() {
      return List.of();
    }

    @Override
    public Outcome update(Order order, java.util.Set<String> permitted, Path folder) {
      try {
        assertThat(go.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      session.offer(next);
      session.reopen(old, next).toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
      session.withdraw(old);
      return new Outcome("1", 0);
    }
  }

  /** By the order of arrival: lines that stand still hold up neither events nor signs of life. */
  @Test
  void eventsAndHeartbeatsGoBeforeABacklogOfLines() {
    byte[] script =
        "#!/bin/sh\ni=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done\n"
            .getBytes(UTF_8);
    session.agent().takeEnvelope(envelope(script));
    upload(script);
    // More lines than there is room for: the algorithm waits, and nothing is connected yet.
    await().until(() -> books("logs").queuedBytes() > (1 << 20) - 4096);
    session.agent().takeEnvelope("rubbish".getBytes(UTF_8));
    long said = books("events").appended();
    assertThat(said).isGreaterThanOrEqualTo(4);

    collector.connect();
    session.offer(new MemoryTransportProvider());
    await().until(() -> collector.arrived(0, AgentSessionTest::isLogs) >= 0);
    int firstLogs = collector.arrived(0, AgentSessionTest::isLogs);
    assertThat(collector.arrived(0, message -> isEvent(message, said)))
        .as("all that was said before, in front of the first lines")
        .isBetween(0, firstLogs);

    // Nobody acknowledges: the lines stand still, and the others go past them.
    assertThat(books("logs").delivered()).isZero();
    session.agent().takeEnvelope("more rubbish".getBytes(UTF_8));
    await().until(() -> collector.arrived(firstLogs, message -> isEvent(message, said + 1)) >= 0);
    await()
        .until(
            () ->
                collector.arrived(firstLogs, message -> message.address().endsWith("/up/heartbeat"))
                    >= 0);
    assertThat(books("logs").delivered()).isZero();

    collector.takeRecords();
    await().atMost(Duration.ofSeconds(60)).until(() -> collector.lines("logs").size() >= 30_000);
    int i = 0;
    for (String line : collector.lines("logs")) {
      assertThat(LogRecord.parse(line.getBytes(UTF_8)).message()).isEqualTo("line " + i++);
    }
    assertThat(i).isEqualTo(30_000);
  }

  private Books books(String stream) {
    return Objects.requireNonNull(session.books().get(stream));
  }

  private static boolean isLogs(Message message) {
    return message.address().endsWith("/up/logs");
  }

  /** Whether it brings a record of the stream of events. */
  private static boolean isEvent(Message message, long number) {
    if (!message.address().endsWith("/up/events")) {
      return false;
    }
    long first = Long.parseLong(message.headers().getOrDefault("fl-first", "0"));
    long count = Long.parseLong(message.headers().getOrDefault("fl-count", "0"));
    return first <= number && number < first + count;
  }

  @Test
  void obeysACommandOnceAndEndsWhenToldTo() throws Exception {
    manifestFor("x".getBytes(UTF_8));
    collector.send(ADDRESSES.commands(), "rubbish".getBytes(UTF_8));
    collector.send(
        ADDRESSES.commands(),
        new Command.Credential("1", "mqtt", "x", Instant.now().plusSeconds(60)).toJson());
    await()
        .untilAsserted(
            () ->
                assertThat(collector.events())
                    .extracting(Event::type)
                    .filteredOn("CommandRefused"::equals)
                    .hasSize(2));
    byte[] stop = new Command.Stop("2", "enough").toJson();
    collector.send(ADDRESSES.commands(), stop);
    collector.send(ADDRESSES.commands(), stop);
    assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(collector.events()).extracting(Event::type).filteredOn("Stopped"::equals).hasSize(1);
  }

  @Test
  void aRenewedCredentialIsUsedAtTheNextConnect() {
    manifestFor("x".getBytes(UTF_8));
    Grant grant = new Grant("c1", ADDRESSES.sends(), ADDRESSES.receives());
    Credential renewed = issuer.issue(grant, Duration.ofHours(1));
    collector.send(
        ADDRESSES.commands(),
        new Command.Credential("1", "memory", renewed.content(), renewed.expiresAt()).toJson());
    collector.send(ADDRESSES.commands(), "a mark".getBytes(UTF_8));
    await()
        .until(() -> collector.events().stream().anyMatch(e -> e.type().equals("CommandRefused")));
    hub.kill();
    hub.restart();
    long before = collector.heartbeats.size();
    await().atMost(Duration.ofSeconds(20)).until(() -> collector.heartbeats.size() > before + 2);
  }
}
