// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.delivery.Ways;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The collector of a run: the product's inbox over the product's store, which syncs before it
 * acknowledges, as the computations service puts them together.
 */
public final class BenchCollector {

  /** File in the process's folder with the times until records were written. */
  static final String WRITTEN = "written.hdr";

  private static final long TICK_MILLIS = 50;

  private BenchCollector() {}

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
    Load load = Load.read(words);
    String fleet = words.get(Words.FLEET);
    Path folder = words.path(Words.STATUS);
    Gauges gauges = Gauges.open(folder.resolve(Party.GAUGES));
    Status status = new Status(folder);
    status.begin();
    Delays written = new Delays();
    Disk disk = Disk.of(words.path(Words.FOLDER));
    if (load.slowBytesPerSecond() > 0) {
      disk = SlowDisk.of(disk, load.slowBytesPerSecond());
    }
    if (load.from() > 0) {
      disk = TimedDisk.of(disk, written);
    }
    Runner runner = Runner.start("fairlead-bench-collector");
    RecordStore store =
        new RecordStore(
            fleet, disk, SegmentLog.Config.of("bench collector"), InstantSource.system());
    Arriving arriving = new Arriving(words, gauges);
    Exchange exchange =
        new Exchange(
            runner,
            new Watch(gauges, status),
            Ways.whereHeard(BenchCollector::party, System::nanoTime),
            arriving);
    List<String> patterns = new ArrayList<>();
    patterns.add(Addresses.everyUp(fleet, Addresses.LOGS));
    for (int i = 1; i <= load.quiet(); i++) {
      patterns.add(Addresses.everyUp(fleet, BenchAgent.quietStream(i)));
    }
    Inbox inbox =
        new Inbox(
            exchange,
            runner,
            new CountedStore(store, gauges, arriving),
            patterns,
            BenchCollector::acks,
            InboxListener.NONE);
    store.streams().forEach(inbox::announce);
    for (String transport : Turns.transports(words)) {
      var unused = Way.use(exchange::use, words, transport, Addresses.ofCollector(fleet));
    }
    Ticker ticker = Ticker.start(gauges, TICK_MILLIS, () -> {});
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
                "fairlead-bench-collector-end"));
    ending.await();
    ticker.close();
    inbox.close();
    exchange.close();
    store.close();
    runner.close();
    written.write(folder.resolve(WRITTEN));
    gauges.set(Gauge.FINISHED, 1);
  }

  private static String party(String address) {
    return Addresses.parse(address).map(Addresses::party).orElse("");
  }

  private static Optional<String> acks(StreamId stream) {
    String address = stream.address();
    return Addresses.parse(address)
        .filter(Addresses::isComputation)
        .map(from -> from.acks(address.substring(address.lastIndexOf('/') + 1)));
  }

  /** Counts records when the store says that they are synced. */
  private record CountedStore(BatchStore store, Gauges gauges, Arriving arriving)
      implements BatchStore {

    @Override
    public CompletionStage<Void> append(Batch batch) {
      CompletionStage<Void> stored = store.append(batch);
      if (!batch.isGap()) {
        long count = batch.count();
        boolean ordered = arriving.isOrdered();
        return stored.thenRun(
            () -> {
              gauges.add(Gauge.STORED, count);
              if (ordered && gauges.get(Gauge.STORED_OVER) == 0) {
                gauges.set(Gauge.STORED_OVER, System.nanoTime());
              }
            });
      }
      return stored;
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return store.storedUpTo(stream);
    }
  }

  /** Notes which transport brought what the inbox is just given, by the same thread. */
  private static final class Arriving implements Arrivals {
    private final Words words;
    private final Gauges gauges;
    private final ThreadLocal<String> transport = ThreadLocal.withInitial(() -> "");

    Arriving(Words words, Gauges gauges) {
      this.words = words;
      this.gauges = gauges;
    }

    @Override
    public void arrived(String by, long line, Message message) {
      transport.set(by);
    }

    /** Whether that is the one that agents were ordered to last. */
    boolean isOrdered() {
      long order = gauges.get(Gauge.ORDER);
      return order != 0 && Turns.to(order, words).equals(transport.get());
    }
  }

  /** Counts the transports that are connected. */
  private static final class Watch implements SwitchboardListener {
    private final Gauges gauges;
    private final Status status;
    private final Set<String> up = ConcurrentHashMap.newKeySet();

    Watch(Gauges gauges, Status status) {
      this.gauges = gauges;
      this.status = status;
    }

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      status.stateChanged(transport, state, reason);
      boolean unused =
          state == Transport.State.CONNECTED ? up.add(transport) : up.remove(transport);
      gauges.set(Gauge.CONNECTED, up.size());
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      status.refused(transport, address, refusal);
      gauges.add(Gauge.REFUSED, 1);
    }
  }
}
