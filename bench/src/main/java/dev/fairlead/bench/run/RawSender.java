// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.RawClient;
import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Words;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends the same records as {@link BenchAgent} over a raw client, one message each. No more than
 * the baseline's window is under way: what the receiver has counted is read from its gauges, so
 * that the client carries nothing for it. Asked to end, it waits until all was received.
 */
public final class RawSender {

  private static final long WAIT_NANOS = 20_000;
  private static final long MOMENT_NANOS = 1_000_000;
  private static final String COMPUTATION = "c1";

  private final Load load;
  private final Gauges own;
  private final Gauges receiver;
  private final RawClient.Sender sender;
  private final Records records;
  private final int window;
  private volatile boolean stopping;
  private long made;
  private long refused;

  private RawSender(Words words) throws IOException, InterruptedException {
    load = Load.read(words);
    own = Gauges.open(words.path(Words.STATUS).resolve(Party.GAUGES));
    receiver = Gauges.open(words.path(RawReceiver.RECEIVER).resolve(Party.GAUGES));
    RawClients client = RawClients.named(words.get(Words.TRANSPORT));
    window = client.window();
    sender = client.client().sender(RawSetup.endpoint(words));
    records = new Records(COMPUTATION, load.bytes(), InstantSource.system());
  }

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
    RawSender sender = new RawSender(words);
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> sender.stop(main), "fairlead-raw-sender-end"));
    Ticker ticker = Ticker.start(sender.own, 50, () -> {});
    sender.own.set(Gauge.CONNECTED, 1);
    sender.say();
    sender.own.set(Gauge.FINISHED, 1);
    sender.drain(words.number(Words.DRAIN_SECONDS));
    ticker.close();
  }

  private void stop(Thread main) {
    stopping = true;
    try {
      main.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void say() throws InterruptedException {
    while (load.hurried() && !stopping && own.get(Gauge.ENOUGH) == 0) {
      send(0);
    }
    while (!stopping && made > receiver.get(Gauge.STORED)) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
    long before = made;
    own.set(Gauge.HURRIED, before);
    Pace pace = load.rate() == 0 ? null : new Pace(load.rate(), System::nanoTime);
    while (!stopping && (load.last() == 0 || made - before < load.last())) {
      long meant = 0;
      if (pace != null) {
        meant = pace.next();
        if (!pace.await(meant)) {
          return;
        }
      }
      send(load.from() > 0 && made - before + 1 >= load.from() ? meant : 0);
    }
  }

  private void send(long meant) throws InterruptedException {
    while (made - receiver.get(Gauge.STORED) >= window && !stopping) {
      LockSupport.parkNanos(WAIT_NANOS);
    }
    try {
      sender.send(records.record(made + 1, meant));
      own.set(Gauge.MADE, ++made);
    } catch (IOException | RuntimeException e) {
      own.set(Gauge.REFUSED, ++refused);
      System.getLogger(RawSender.class.getName())
          .log(System.Logger.Level.DEBUG, "The client did not take a record.", e);
      LockSupport.parkNanos(MOMENT_NANOS);
    }
  }

  private void drain(long seconds) throws IOException, InterruptedException {
    while (!stopping) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
    sender.finish();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (receiver.get(Gauge.STORED) < made && System.nanoTime() < deadline) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
  }
}
