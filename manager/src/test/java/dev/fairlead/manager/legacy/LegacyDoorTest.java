// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.legacy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Agents of 2024, by their bytes. */
class LegacyDoorTest {

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Instant NOW = Instant.parse("2026-11-01T12:00:00Z");

  /**
   * Frame 2, 35 bytes: agent_log { message "hi", computation_id "123", level "INFO", timestamp
   * 1725148800 s 5 ns }.
   */
  private static final String LOG =
      "02000000 1b000000"
          + "0a 19"
          + "0a 02 6869"
          + "12 03 313233"
          + "1a 04 494e464f"
          + "22 08 08 80ddceb606 10 05";

  /** Frame 3: agent_event { "AlgorithmRun", timestamp, "123", details {}, "agent", "Starting" }. */
  private static final String EVENT =
      "03000000 39000000"
          + "12 35"
          + "0a 0c 416c676f726974686d52756e"
          + "12 06 08 80ddceb606"
          + "1a 03 313233"
          + "22 07 7b2261223a317d"
          + "2a 05 6167656e74"
          + "32 08 5374617274696e67"
          + "78 01";

  @TempDir private Path folder;

  private final Runner runner = Runner.start("legacy-test");
  private final MemoryHub hub =
      MemoryHub.start("l" + UUID.randomUUID().toString().substring(0, 8), InstantSource.system());
  private final List<Switchboard> boards = new ArrayList<>();
  private final Switchboard collector = link(Addresses.ofCollector("f"));
  private final List<String> stored = new CopyOnWriteArrayList<>();
  private final Map<StreamId, Long> upTo = new ConcurrentHashMap<>();
  private final CompletableFuture<Void> mayStore = new CompletableFuture<>();
  private LegacyDoor door;
  private Inbox inbox;

  @BeforeEach
  void open() throws IOException {
    inbox =
        new Inbox(
            collector,
            runner,
            new BatchStore() {
              @Override
              public CompletionStage<Void> append(Batch batch) {
                batch.records().forEach(record -> stored.add(new String(record, UTF_8)));
                upTo.put(batch.stream(), batch.last());
                return mayStore.minimalCompletionStage();
              }

              @Override
              public long storedUpTo(StreamId stream) {
                return upTo.getOrDefault(stream, 0L);
              }
            },
            List.of("f/*/up/logs", "f/*/up/events"),
            stream ->
                Addresses.parse(stream.address())
                    .map(from -> from.acks(stream.address().endsWith("logs") ? "logs" : "events")),
            InboxListener.NONE);
    door =
        new LegacyDoor(
            Addresses.ofComputation("f", "c"),
            folder.resolve("vsock.sock"),
            link(Addresses.ofComputation("f", "c")),
            runner,
            () -> NOW);
  }

  @AfterEach
  void close() {
    door.close();
    inbox.close();
    boards.forEach(Switchboard::close);
    hub.close();
    runner.close();
    assertThat(folder.resolve("vsock.sock_9997")).doesNotExist();
  }

  @Test
  void aFrameIsAnsweredByItsIdWhenItIsStoredAndNotBefore() throws Exception {
    try (SocketChannel agent = connect()) {
      send(agent, bytes(LOG));
      await().atMost(LONG).until(() -> stored.size() == 1);
      assertThat(door.books()).isEqualTo(new LegacyDoor.Books(1, 0, 0));
      mayStore.complete(null);
      assertThat(HexFormat.of().formatHex(read(agent, 4))).isEqualTo("02000000");
      send(agent, bytes(EVENT));
      assertThat(HexFormat.of().formatHex(read(agent, 4))).isEqualTo("03000000");
    }
    LogRecord line = LogRecord.parse(stored.get(0).getBytes(UTF_8));
    assertThat(line.message()).isEqualTo("hi");
    assertThat(line.source()).isEqualTo("legacy");
    assertThat(line.computationId()).as("the VM's, whatever it says").isEqualTo("c");
    assertThat(line.timestamp()).isEqualTo(Instant.ofEpochSecond(1725148800, 5));
    Event event = Event.parse(stored.get(1).getBytes(UTF_8));
    assertThat(event.type()).isEqualTo("AlgorithmRun");
    assertThat(event.status()).isEqualTo("Starting");
    assertThat(event.originator()).isEqualTo("legacy");
    assertThat(event.computationId()).isEqualTo("c");
    assertThat(event.details().integer("a", 0, 9)).isEqualTo(1);
  }

  @Test
  void whatIsSentAgainAfterALossIsStoredAgain() throws Exception {
    mayStore.complete(null);
    for (int i = 0; i < 3; i++) {
      try (SocketChannel agent = connect()) {
        send(agent, bytes(LOG));
        read(agent, 4);
      }
    }
    assertThat(stored).hasSize(3).allMatch(line -> line.contains("\"legacy\""));
  }

  @Test
  void aGuestThatSendsRubbishHurtsNobodyButItself() throws Exception {
    mayStore.complete(null);
    try (SocketChannel large = connect()) {
      send(large, bytes("01000000 01001000"));
      assertThat(large.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
    try (SocketChannel wrong = connect()) {
      send(wrong, bytes("01000000 02000000 0aff"));
      assertThat(wrong.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
    await().atMost(LONG).until(() -> door.books().refused() == 2);
    try (SocketChannel agent = connect()) {
      send(agent, bytes(LOG));
      read(agent, 4);
    }
    assertThat(stored).hasSize(1);
  }

  @Test
  void theManifestIsBroughtToTheGuestOnceItListens() throws Exception {
    byte[] manifest = "{\"id\":\"123\",\"name\":\"a b\"}".getBytes(UTF_8);
    // As the computations service does: each hello is answered.
    collector.subscribe(
        "f/*/up/hello",
        hello -> {
          var unused =
              collector.send(
                  new Message("f/c/down/manifest", new ManifestEnvelope("c", manifest).toJson()));
        });
    try (ServerSocketChannel guest = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      guest.bind(UnixDomainSocketAddress.of(folder.resolve("vsock.sock")));
      try (SocketChannel notYet = guest.accept()) {
        assertThat(new String(read(notYet, 13), US_ASCII)).isEqualTo("CONNECT 9999\n");
      }
      try (SocketChannel now = guest.accept()) {
        assertThat(new String(read(now, 13), US_ASCII)).isEqualTo("CONNECT 9999\n");
        send(now, "OK 1073741824\n".getBytes(US_ASCII));
        assertThat(Channels.newInputStream(now).readAllBytes()).isEqualTo(manifest);
      }
    }
  }

  @Test
  void noBytesFromAGuestDoMoreThanFail() {
    long seed = new Random().nextLong();
    System.out.println("LegacyDoorTest seed " + seed);
    Random random = new Random(seed);
    byte[] log = bytes(LOG);
    byte[] event = bytes(EVENT);
    int good = 0;
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] frame = (i % 2 == 0 ? log : event).clone();
      if (i % 10 == 9) {
        frame = new byte[random.nextInt(64)];
        random.nextBytes(frame);
      } else {
        for (int k = random.nextInt(4); k >= 0; k--) {
          frame[random.nextInt(frame.length)] = (byte) random.nextInt(256);
        }
      }
      try {
        Frame read = Frame.read(new ByteArrayInputStream(frame));
        if (read != null) {
          Saying said = Saying.parse(read.payload(), "c", NOW);
          if (said.record().length > LogRecord.MAX_BYTES) {
            throw new AssertionError("A record of " + said.record().length + " bytes");
          }
          good++;
        }
      } catch (IOException e) {
        refused++;
      }
    }
    assertThat(good).as("some survive").isGreaterThan(1000);
    assertThat(refused).as("some do not").isGreaterThan(1000);
  }

  @Test
  void aStreamThatEndsWithinAFrameIsNoEnd() throws Exception {
    byte[] log = bytes(LOG);
    assertThat(Frame.read(new ByteArrayInputStream(new byte[0]))).isNull();
    for (int length = 1; length < log.length; length++) {
      ByteArrayInputStream cut = new ByteArrayInputStream(log, 0, length);
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> Frame.read(cut));
    }
  }

  private SocketChannel connect() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(folder.resolve("vsock.sock_9997")));
    return channel;
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  private static void send(SocketChannel channel, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static byte[] read(SocketChannel channel, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      assertThat(channel.read(buffer)).isPositive();
    }
    return buffer.array();
  }

  private Switchboard link(Addresses own) {
    MemoryIssuer issuer = new MemoryIssuer(hub, InstantSource.system());
    String credential =
        issuer
            .issue(new Grant(own.party(), own.sends(), own.receives()), Duration.ofMinutes(10))
            .content();
    Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
    board
        .use(
            new MemoryTransportProvider(),
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> hub.uri().toString();
                  case TransportProvider.CREDENTIAL -> credential;
                  case TransportProvider.REPLIES -> own.replies();
                  default -> null;
                },
            Duration.ofSeconds(10))
        .toCompletableFuture()
        .join();
    boards.add(board);
    return board;
  }
}
