// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.computations.store.Book;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxBooks;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Ways;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.transport.api.Transport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The collector: the product's inbox over the product's store, which acknowledges what is synced.
 * Killed at any time, and started again on the same store.
 */
public final class CollectorMain {

  private static final System.Logger LOG = System.getLogger(CollectorMain.class.getName());

  /** A planted fault: acknowledges what it will store only a moment later. */
  static final String ACKS_EARLY = "collector-acks-early";

  private static final Duration LATE = Duration.ofMillis(400);
  private static final long LOOK_MILLIS = 500;

  private CollectorMain() {}

  /**
   * Runs until it is asked to end.
   *
   * @param args the file of its words
   * @throws IOException when a file fails
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Words words = Words.read(Path.of(args[0]));
    JavaProcess.endWithParent();
    String fleet = words.get(Words.FLEET);
    Status status = new Status(words.path(Words.STATUS));
    status.begin();
    Runner runner = Runner.start("fairlead-chaos-collector");
    RecordStore store =
        new RecordStore(
            fleet,
            Disk.of(words.path(Words.FOLDER)),
            SegmentLog.Config.of("chaos collector"),
            InstantSource.system());
    Exchange exchange =
        new Exchange(
            runner, status, Ways.whereHeard(CollectorMain::party, System::nanoTime), Arrivals.NONE);
    BatchStore used =
        ACKS_EARLY.equals(words.find(Words.PLANT)) ? new EarlyStore(store, runner) : store;
    Inbox inbox =
        new Inbox(
            exchange,
            runner,
            used,
            List.of(Addresses.everyUp(fleet, Addresses.LOGS)),
            CollectorMain::acks,
            InboxListener.NONE,
            AckLevel.valueOf(words.get(Words.FORGET)));
    store.streams().forEach(inbox::announce);
    for (String transport : words.get(Words.TRANSPORTS).split(",", -1)) {
      var unused = Way.use(exchange::use, words, transport, Addresses.ofCollector(fleet));
    }
    CountDownLatch ending = new CountDownLatch(1);
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  ending.countDown();
                  try {
                    main.join();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                },
                "fairlead-collector-end"));
    do {
      status.write(books(inbox, store, exchange));
    } while (!ending.await(LOOK_MILLIS, TimeUnit.MILLISECONDS));
    inbox.close();
    exchange.close();
    store.close();
    runner.close();
    status.write(books(inbox, store, exchange));
    LOG.log(System.Logger.Level.INFO, "The collector ends.");
  }

  private static String party(String address) {
    return Addresses.parse(address).map(Addresses::party).orElse("");
  }

  private static Optional<String> acks(StreamId stream) {
    return Addresses.parse(stream.address())
        .filter(Addresses::isComputation)
        .map(from -> from.acks(Addresses.LOGS));
  }

  private static JsonObject books(Inbox inbox, RecordStore store, Exchange exchange) {
    InboxBooks books = inbox.books();
    List<JsonValue> streams = new ArrayList<>();
    long stored = 0;
    for (StreamId stream : store.streams()) {
      String party = Addresses.parse(stream.address()).map(Addresses::party).orElse("");
      for (Book book : store.books(party)) {
        if (book.epoch().equals(stream.epoch())) {
          stored += book.stored();
          streams.add(
              JsonObject.builder()
                  .put("computation", party)
                  .put("epoch", book.epoch())
                  .put("stored", book.stored())
                  .put("lost", book.lost())
                  .build());
        }
      }
    }
    boolean all = exchange.transports().stream().allMatch(exchange::connected);
    return JsonObject.builder()
        .put("state", (all ? Transport.State.CONNECTED : Transport.State.CONNECTING).name())
        .put("stored", stored)
        .put("duplicatesDropped", books.duplicates())
        .put("outOfOrder", books.outOfOrder())
        .put("held", books.heldBytes())
        .put("beyondWindow", books.beyondWindow())
        .put("gaps", books.gaps())
        .put("refused", books.refused())
        .put("streams", JsonArray.of(streams))
        .build();
  }

  /** Says that a batch is stored, and stores it later: what a kill in between takes is lost. */
  private record EarlyStore(RecordStore store, Runner runner) implements BatchStore {

    @Override
    public CompletionStage<Void> append(Batch batch) {
      runner.after(
          LATE,
          () -> {
            var unused = store.append(batch);
          });
      return CompletableFuture.completedStage(null);
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return store.storedUpTo(stream);
    }
  }
}
