// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.RawClient;
import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.bench.results.Counts;
import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Words;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * Receives what {@link RawSender} sends, counts it by the numbers that stand in the records, and
 * keeps nothing. Asked to end, it leaves its count: {@code stored duplicates reordered spoilt}.
 */
public final class RawReceiver {

  /** Word: the folder of the receiver, with its gauges. */
  static final String RECEIVER = "raw.receiver";

  /** File in the process's folder with its count. */
  static final String COUNT = "count";

  private static final String STREAM = "raw";

  private RawReceiver() {}

  /**
   * Runs until it is asked to end.
   *
   * @param args the file of its words
   * @throws IOException as the client's library says, or when a file fails
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Words words = Words.read(Path.of(args[0]));
    JavaProcess.endWithParent();
    Load load = Load.read(words);
    Path folder = words.path(Words.STATUS);
    Gauges gauges = Gauges.open(folder.resolve(Party.GAUGES));
    Counter counter = new Counter(load, gauges);
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
                "fairlead-raw-receiver-end"));
    RawClient.Receiver receiving =
        RawClients.named(words.get(Words.TRANSPORT))
            .client()
            .receive(RawSetup.endpoint(words), counter);
    Ticker ticker = Ticker.start(gauges, 50, () -> {});
    gauges.set(Gauge.CONNECTED, 1);
    ending.await();
    ticker.close();
    receiving.end();
    counter.write(folder);
    gauges.set(Gauge.FINISHED, 1);
  }

  /** Called by one thread at a time. */
  private static final class Counter implements Consumer<byte[]> {
    private final Records records;
    private final Gauges gauges;
    private final boolean measured;
    private final Delays delays = new Delays();
    private final Recount recount = new Recount();
    private long received;

    Counter(Load load, Gauges gauges) {
      this.records = new Records("c1", load.bytes(), InstantSource.system());
      this.gauges = gauges;
      this.measured = load.from() > 0;
    }

    @Override
    public synchronized void accept(byte[] record) {
      if (measured) {
        int at = Records.find(record, 0, record.length);
        long meant = at < 0 ? 0 : Records.nanosAt(record, at);
        if (meant > 0) {
          delays.add(System.nanoTime() - meant);
        }
      }
      recount.meet(STREAM, records.number(record));
      gauges.set(Gauge.STORED, ++received);
    }

    synchronized void write(Path folder) throws IOException {
      delays.write(folder.resolve(BenchCollector.WRITTEN));
      Counts counts = recount.counts(0, 0);
      Files.writeString(
          folder.resolve(COUNT),
          "%d %d %d %d"
              .formatted(
                  counts.stored(), counts.duplicates(), counts.reordered(), recount.spoilt()));
    }
  }
}
