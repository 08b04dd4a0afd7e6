// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
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
    String credential = Files.readString(words.path(Words.CREDENTIAL_FILE), UTF_8).strip();
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
    Switchboard switchboard = new Switchboard(runner, new Watch(gauges, status));
    List<String> patterns = new ArrayList<>();
    patterns.add(Addresses.everyUp(fleet, Addresses.LOGS));
    for (int i = 1; i <= load.quiet(); i++) {
      patterns.add(Addresses.everyUp(fleet, BenchAgent.quietStream(i)));
    }
    Inbox inbox =
        new Inbox(
            switchboard,
            runner,
            new CountedStore(store, gauges),
            patterns,
            BenchCollector::acks,
            InboxListener.NONE);
    store.streams().forEach(inbox::announce);
    Way.use(switchboard, words, credential, Addresses.ofCollector(fleet));
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
    switchboard.close();
    store.close();
    runner.close();
    written.write(folder.resolve(WRITTEN));
    gauges.set(Gauge.FINISHED, 1);
  }

  private static Optional<String> acks(StreamId stream) {
    String address = stream.address();
    return Addresses.parse(address)
        .filter(Addresses::isComputation)
        .map(from -> from.acks(address.substring(address.lastIndexOf('/') + 1)));
  }

  /** Counts records when the store says that they are synced. */
  private record CountedStore(BatchStore store, Gauges gauges) implements BatchStore {

    @Override
    public CompletionStage<Void> append(Batch batch) {
      CompletionStage<Void> stored = store.append(batch);
      if (!batch.isGap()) {
        long count = batch.count();
        return stored.thenRun(() -> gauges.add(Gauge.STORED, count));
      }
      return stored;
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return store.storedUpTo(stream);
    }
  }

  /** Shows whether it is connected. */
  private record Watch(Gauges gauges, Status status) implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      status.stateChanged(transport, state, reason);
      gauges.set(Gauge.CONNECTED, state == Transport.State.CONNECTED ? 1 : 0);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      status.refused(transport, address, refusal);
      gauges.add(Gauge.REFUSED, 1);
    }
  }
}
