// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
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
import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent with {@code spool.dir} that is killed before anything of it was delivered. */
class SpooledAgentTest {

  private static final Addresses AGENT = Addresses.ofComputation("fl", "c1");
  private static final Addresses COLLECTOR = Addresses.ofCollector("fl");
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path folder;

  private final List<Process> processes = new ArrayList<>();

  /** Everything that was given to it to store, in that order, by stream. */
  private static final class Store implements BatchStore {

    final ConcurrentLinkedQueue<Batch> batches = new ConcurrentLinkedQueue<>();
    private final Map<StreamId, Long> stored = new ConcurrentHashMap<>();

    @Override
    public CompletionStage<Void> append(Batch batch) {
      batches.add(batch);
      stored.put(batch.stream(), batch.last());
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return stored.getOrDefault(stream, 0L);
    }

    List<Batch> of(String name) {
      return batches.stream()
          .filter(batch -> batch.stream().address().equals(AGENT.stream(name)))
          .toList();
    }

    List<String> records(String name) {
      return of(name).stream()
          .flatMap(batch -> batch.records().stream())
          .map(record -> new String(record, UTF_8))
          .toList();
    }
  }

  @AfterEach
  void killAll() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void whatWasSpooledWhenItWasKilledArrivesOnceInOrderUnderItsNumbers() throws Exception {
    Map<String, String> broker =
        Map.of("dir", folder.resolve("broker").toString(), "patience.seconds", "60");
    try (CredentialIssuer issuer = service(AccessProvider.class).open(broker::get)) {
      Credential credential =
          issuer.issue(new Grant("c1", AGENT.sends(), AGENT.receives()), Duration.ofHours(1));
      Path work = Files.createDirectory(folder.resolve("work"));
      // Nobody acknowledges. What is under way lies in the spool: nothing is sent before.
      Process first = start("first", work, issuer, credential);
      String all = "%1$d/%1$d/0".formatted(SpooledAgentMain.LINES);
      await().atMost(LONG).until(() -> said("first").contains("logs=" + all));
      first.destroyForcibly().waitFor();
      long events = Long.parseLong(said("first").replaceAll("(?s).*events=(\\d+)/.*", "$1"));

      Store store = new Store();
      try (Runner runner = Runner.start("collector");
          Switchboard switchboard = new Switchboard(runner, SwitchboardListener.NONE)) {
        Inbox inbox =
            new Inbox(
                switchboard,
                runner,
                store,
                List.of(Addresses.everyUp("fl", "events"), Addresses.everyUp("fl", "logs")),
                stream ->
                    Optional.of(
                        AGENT.acks(
                            stream.address().substring(stream.address().lastIndexOf('/') + 1))),
                InboxListener.NONE);
        Credential reader =
            issuer.issue(
                new Grant(COLLECTOR.party(), COLLECTOR.sends(), COLLECTOR.receives()),
                Duration.ofHours(1));
        Map<String, String> settings =
            Map.of(
                TransportProvider.ENDPOINT, issuer.endpoint().uri().toString(),
                TransportProvider.CA_SHA256, String.valueOf(issuer.endpoint().caSha256()),
                TransportProvider.CREDENTIAL, reader.content());
        switchboard.use(service(TransportProvider.class), settings::get, LONG);
        await().atMost(LONG).until(switchboard::connected);
        start("second", work, issuer, credential);
        String delivered = "%1$d/0/%1$d".formatted(SpooledAgentMain.LINES);
        await().atMost(LONG).until(() -> said("second").contains("logs=" + delivered));
        await().atMost(LONG).until(() -> store.records("events").size() > events);
        inbox.close();
      }
      theLinesAreThereOnce(store);
      theEventsGoOn(store, events);
    }
  }

  private static void theLinesAreThereOnce(Store store) {
    List<String> lines = store.records("logs");
    assertThat(lines).hasSize(SpooledAgentMain.LINES);
    for (int i = 0; i < lines.size(); i++) {
      assertThat(LogRecord.parse(lines.get(i).getBytes(UTF_8)).message())
          .isEqualTo("line " + (i + 1));
    }
    assertNumbers(store.of("logs"));
  }

  /** The second process says events of its own, behind those of the first. */
  private static void theEventsGoOn(Store store, long before) {
    List<Event> events =
        store.records("events").stream().map(text -> Event.parse(text.getBytes(UTF_8))).toList();
    assertThat(events).extracting(Event::type).startsWith("ReceivingManifest");
    assertThat(events.get((int) before).type()).isEqualTo("ReceivingManifest");
    assertNumbers(store.of("events"));
    assertThat(store.of("events").get(0).stream().epoch())
        .isEqualTo(store.of("logs").get(0).stream().epoch());
  }

  /** One numbering without a gap, from 1. */
  private static void assertNumbers(List<Batch> batches) {
    long next = 1;
    for (Batch batch : batches) {
      assertThat(batch.isGap()).isFalse();
      assertThat(batch.first()).isEqualTo(next);
      next = batch.last() + 1;
    }
    assertThat(batches).extracting(Batch::stream).containsOnly(batches.get(0).stream());
  }

  private Process start(String which, Path work, CredentialIssuer issuer, Credential credential)
      throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                SpooledAgentMain.class.getName(),
                work.toString(),
                which,
                issuer.endpoint().uri().toString(),
                issuer.endpoint().caSha256(),
                credential.content(),
                credential.sha256())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(which + ".log").toFile())
            .start();
    processes.add(process);
    return process;
  }

  private String said(String which) throws IOException {
    return Files.readString(folder.resolve(which + ".log"));
  }

  private static <T> T service(Class<T> type) {
    return ServiceLoader.load(type).stream()
        .map(ServiceLoader.Provider::get)
        .filter(any -> any.getClass().getName().contains(".nats."))
        .findFirst()
        .orElseThrow();
  }
}
