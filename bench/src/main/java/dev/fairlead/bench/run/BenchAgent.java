// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The agents of a run, in one process: the product's outbox over a real transport, fed with encoded
 * log records as the product's agent feeds it. Asked to end, it says no more, waits until all was
 * delivered, and leaves what it measured.
 */
public final class BenchAgent {

  /** File in the process's folder with the times until records were known to be stored. */
  static final String ACKS = "acks.hdr";

  /** The most records a second whose acknowledgement is waited for one by one. */
  private static final long MOST_AWAITED = 20_000;

  private static final long SPOOL_BYTES = 1L << 30;
  private static final int RUNNERS = 4;

  /**
   * Connections that come about, or end, at a time: a thousand agents are not started in one
   * instant.
   */
  private static final int MOST_AT_ONCE = 32;

  /** So many agents keep everybody busy; the queues of a thousand would take more than there is. */
  private static final int MOST_HURRIED = 8;

  private static final long MOMENT_NANOS = 1_000_000L;

  private final Words words;
  private final Load load;
  private final Gauges gauges;
  private final Delays acks = new Delays();
  private final List<Outbox> outboxes = new ArrayList<>();
  private final List<Switchboard> switchboards = new ArrayList<>();
  private final List<Runner> runners = new ArrayList<>();

  /** The stream of logs of each agent, or its noisy one. */
  private final List<Source> sources = new ArrayList<>();

  private final List<Source> quiet = new ArrayList<>();

  /** Null where there is but one transport. */
  private @Nullable Turns turns;

  private volatile boolean stopping;

  /** A stream, and what it says. */
  private static final class Source {
    private final OutStream stream;
    private final Records records;
    private long number;

    /** The last one before those of which the load speaks. */
    private long before;

    Source(OutStream stream, Records records) {
      this.stream = stream;
      this.records = records;
      this.number = stream.last();
    }

    void say(long nanos) throws InterruptedException {
      number++;
      stream.append(records.record(number, nanos));
    }
  }

  /** Has who says records leave the processors to the compilers, as long as that is wanted. */
  private final class Ease {
    private long wanted;
    private @Nullable Pace pace;

    /**
     * Waits until the next records are due.
     *
     * @param records how many are said each time
     * @return false when the thread was interrupted meanwhile
     */
    boolean await(int records) {
      long now = gauges.get(Gauge.EASE);
      if (now != wanted) {
        wanted = now;
        pace = now == 0 ? null : new Pace((double) now / records, System::nanoTime);
      }
      return pace == null || pace.await(pace.next());
    }
  }

  private BenchAgent(Words words) throws IOException {
    this.words = words;
    this.load = Load.read(words);
    this.gauges = Gauges.open(words.path(Words.STATUS).resolve(Party.GAUGES));
  }

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
    BenchAgent agent = new BenchAgent(words);
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> agent.stop(main), "fairlead-bench-agent-end"));
    agent.open();
    Ticker ticker = Ticker.start(agent.gauges, agent.ackedEveryMillis(), agent::acked);
    agent.awaitConnections(agent.load.agents());
    agent.say();
    agent.gauges.set(Gauge.FINISHED, 1);
    agent.drain();
    ticker.close();
    agent.close();
  }

  private void stop(Thread main) {
    stopping = true;
    try {
      main.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void open() throws IOException {
    String first = Turns.transports(words).get(0);
    List<String> credentials =
        Files.readAllLines(words.path(Words.CREDENTIAL_FILE + "." + first), UTF_8);
    for (int i = 0; i < Math.min(RUNNERS, load.agents()); i++) {
      runners.add(Runner.start("fairlead-bench-agent-" + i));
    }
    Status status = new Status(words.path(Words.STATUS));
    status.begin();
    for (int i = 0; i < load.agents(); i++) {
      Runner runner = runners.get(i % runners.size());
      SwitchboardListener watch = new Watch(i == 0 ? status : SwitchboardListener.NONE);
      Switchboard switchboard = new Switchboard(runner, watch);
      switchboards.add(switchboard);
      Outbox outbox = new Outbox(switchboard, runner);
      outboxes.add(outbox);
      String computation = words.get(Words.COMPUTATION) + (i + 1);
      Addresses addresses = Addresses.ofComputation(words.get(Words.FLEET), computation);
      Records records = new Records(computation, load.bytes(), InstantSource.system());
      sources.add(new Source(outbox.open(stream(addresses, Addresses.LOGS)), records));
      for (int q = 1; q <= load.quiet(); q++) {
        quiet.add(new Source(outbox.open(stream(addresses, quietStream(q))), records(computation)));
      }
      gauges.set(Gauge.RECOVERED, sources.get(0).number);
      var unused = Way.use(switchboard::use, words, first, credentials.get(i), addresses);
      awaitConnections(i + 1 - MOST_AT_ONCE);
      if (i == 0 && Turns.transports(words).size() > 1) {
        turns = new Turns(gauges, switchboard, words, addresses);
      }
    }
  }

  private Records records(String computation) {
    return new Records(computation, load.bytes(), InstantSource.system());
  }

  /** The name of a quiet stream. */
  static String quietStream(int index) {
    return "quiet" + index;
  }

  private StreamConfig stream(Addresses addresses, String name) {
    StreamConfig config =
        StreamConfig.of(addresses.stream(name), addresses.acks(name), "e" + words.get(Words.RUN));
    return load.spooled()
        ? config.withSpool(words.path(Words.FOLDER).resolve(name), SPOOL_BYTES)
        : config;
  }

  private void awaitConnections(int least) {
    while (!load.early() && !stopping && gauges.get(Gauge.CONNECTED) < least) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
  }

  private void say() throws InterruptedException {
    Thread beside = null;
    if (!quiet.isEmpty()) {
      beside = new Thread(this::sayQuietly, "fairlead-bench-quiet");
      beside.setDaemon(true);
      beside.start();
    }
    if (load.rate() == 0 && !load.hurried()) {
      sayAll();
    } else {
      sayAtPace();
    }
    if (beside != null) {
      beside.join();
    }
  }

  private void sayAll() throws InterruptedException {
    Source source = sources.get(0);
    Ease ease = new Ease();
    while (!stopping && (load.last() == 0 || source.number < load.last()) && ease.await(1)) {
      source.say(0);
      gauges.set(Gauge.MADE, source.number);
    }
  }

  /**
   * Says records as quickly as can be until that is enough; all of them are stored when it returns.
   */
  private void hurry() throws InterruptedException {
    List<Source> hurried = sources.subList(0, Math.min(MOST_HURRIED, sources.size()));
    long last = 0;
    Ease ease = new Ease();
    while (load.hurried()
        && !stopping
        && gauges.get(Gauge.ENOUGH) == 0
        && ease.await(hurried.size())) {
      last++;
      for (Source source : hurried) {
        source.say(0);
      }
      gauges.set(Gauge.MADE, last * hurried.size());
    }
    while (!stopping && gauges.get(Gauge.ACKED) < last * hurried.size()) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
    sources.forEach(source -> source.before = source.number);
    gauges.set(Gauge.HURRIED, last * hurried.size());
  }

  /**
   * Agents say a record each in turn. One that is late says all that it would have said by then: so
   * many agents in one thread that falls behind send what as many processes would, and not a batch
   * for every record.
   */
  private void sayAtPace() throws InterruptedException {
    hurry();
    long rate = load.rate() == 0 ? gauges.get(Gauge.PACE) : load.rate() * sources.size();
    Pace pace = new Pace((double) Math.max(1, rate), System::nanoTime);
    boolean awaited = load.from() > 0 && rate <= MOST_AWAITED;
    long made = sources.stream().mapToLong(source -> source.number).sum();
    for (int finished = 0; !stopping && finished < sources.size(); ) {
      finished = 0;
      for (int place = 0; place < sources.size(); place++) {
        Source source = sources.get(place);
        long meant = meant(pace, source, place);
        if (!stopping && !isFinished(source) && !pace.await(meant)) {
          return;
        }
        long now = System.nanoTime();
        while (!stopping && !isFinished(source) && meant <= now) {
          say(source, meant, awaited);
          gauges.set(Gauge.MADE, ++made);
          meant = meant(pace, source, place);
        }
        finished += isFinished(source) ? 1 : 0;
      }
    }
  }

  private long meant(Pace pace, Source source, int place) {
    return pace.at((source.number - source.before) * sources.size() + place);
  }

  private boolean isFinished(Source source) {
    return load.last() > 0 && source.number - source.before >= load.last();
  }

  private void say(Source source, long meant, boolean awaited) throws InterruptedException {
    long due = turns == null ? 0 : System.nanoTime();
    boolean measured = load.from() > 0 && source.number - source.before + 1 >= load.from();
    source.say(measured ? meant : 0);
    if (turns != null) {
      turns.handedOver(System.nanoTime() - due);
      turns.look();
    }
    if (measured && awaited) {
      source
          .stream
          .reached(source.number, AckLevel.DELIVERED)
          .thenRun(() -> acks.add(System.nanoTime() - meant));
    }
  }

  private void sayQuietly() {
    Pace pace = new Pace((double) Load.QUIET_RATE * quiet.size(), System::nanoTime);
    try {
      while (!stopping) {
        for (Source source : quiet) {
          long meant = pace.next();
          if (!pace.await(meant)) {
            return;
          }
          source.say(gauges.get(Gauge.ENOUGH) != 0 ? meant : 0);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long ackedEveryMillis() {
    return Math.max(2, load.agents() / 10);
  }

  private void acked() {
    long acked = 0;
    for (Source source : sources) {
      acked += source.stream.positions().delivered();
    }
    gauges.set(Gauge.ACKED, acked);
    if (load.spooled()) {
      gauges.set(Gauge.SPOOLED, sources.get(0).stream.positions().spooled());
    }
  }

  private void drain() throws IOException, InterruptedException {
    while (!stopping) {
      LockSupport.parkNanos(MOMENT_NANOS);
    }
    CompletableFuture<Void> all =
        CompletableFuture.allOf(
            outboxes.stream()
                .map(Outbox::drained)
                .map(CompletionStage::toCompletableFuture)
                .toArray(CompletableFuture<?>[]::new));
    try {
      all.get(words.number(Words.DRAIN_SECONDS), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      System.getLogger(BenchAgent.class.getName())
          .log(System.Logger.Level.ERROR, "Not all was delivered.", e);
    }
    acked();
    gauges.set(Gauge.MADE, sources.stream().mapToLong(source -> source.number).sum());
    gauges.set(Gauge.QUIET, quiet.stream().mapToLong(source -> source.number).sum());
    acks.write(words.path(Words.STATUS).resolve(ACKS));
  }

  private void close() throws InterruptedException {
    outboxes.forEach(Outbox::close);
    // One after the other would take minutes: Paho needs some tenths of a second to end.
    ExecutorService closers = Executors.newFixedThreadPool(MOST_AT_ONCE);
    switchboards.forEach(switchboard -> closers.execute(switchboard::close));
    closers.shutdown();
    while (!closers.awaitTermination(1, TimeUnit.MINUTES)) {
      // who measures gives it up
    }
    runners.forEach(Runner::close);
  }

  /** Counts the connections that are up. */
  private final class Watch implements SwitchboardListener {
    private final SwitchboardListener next;
    private final AtomicInteger up = new AtomicInteger();

    Watch(SwitchboardListener next) {
      this.next = next;
    }

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      int now = state == Transport.State.CONNECTED ? 1 : 0;
      gauges.add(Gauge.CONNECTED, now - up.getAndSet(now));
      next.stateChanged(transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      gauges.add(Gauge.REFUSED, 1);
      next.refused(transport, address, refusal);
    }
  }
}
