// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Cost;
import dev.fairlead.bench.results.Counts;
import dev.fairlead.bench.results.Memory;
import dev.fairlead.bench.results.Rates;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Timeline;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.ProcessStat;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run while it lasts: begins it, lets time pass, and looks at everybody's counters meanwhile,
 * from outside. For use by one thread; {@link #giveUp} may be called by another.
 */
final class Stage {

  private static final Duration START_WITHIN = Duration.ofSeconds(90);
  private static final Duration SAY_WITHIN = Duration.ofSeconds(60);
  private static final Duration END_WITHIN = Duration.ofSeconds(75);
  private static final Duration COLLECT_WITHIN = Duration.ofSeconds(30);
  private static final long LOOK_NANOS = 2_000_000L;
  private static final long POINT_MILLIS = 100;

  /** More points than this are thinned out. */
  private static final int MOST_POINTS = 4000;

  /** Compilers rest when they take less than this part of a processor, so many times running. */
  private static final double COMPILING = 0.1;

  private static final int RESTS = 2;

  /** Each time this long, in seconds. */
  private static final double REST = 0.4;

  /** What is said a second while the compilers are at it: a fifth of what there can be, or less. */
  private static final long EASED_BYTES = 30_000_000;

  /** For so many seconds all is said at full speed again before it is measured. */
  private static final double FULL_AGAIN = 1.2;

  private final Setup setup;
  private final Load load;
  private final long origin = System.nanoTime();
  private final Consumer<String> progress;
  private final List<Timeline.Point> points = new ArrayList<>();
  private final List<Timeline.Mark> marks = new ArrayList<>();
  private final List<Memory.Sample> samples = new ArrayList<>();
  private long pointMillis = POINT_MILLIS;
  private boolean senderMayBeGone;
  private volatile boolean givenUp;

  /**
   * What was seen at a moment.
   *
   * @param nanos of the steady clock
   * @param made records that were handed over
   * @param stored records that were stored, or received
   * @param cpu seconds that each has used; NaN where there is no such process
   * @param allocated bytes of sender and receiver
   * @param machine CPU seconds used by all processes of the machine but this one, which recounts
   */
  record Sight(long nanos, long made, long stored, Each cpu, Each allocated, double machine) {

    double secondsUntil(Sight later) {
      return (later.nanos - nanos) / 1e9;
    }
  }

  /** A figure of each party. */
  record Each(double sender, double carrier, double receiver) {

    Each minus(Each other) {
      return new Each(sender - other.sender, carrier - other.carrier, receiver - other.receiver);
    }

    Cost.Split per(double count) {
      return new Cost.Split(
          number(sender / count), number(carrier / count), number(receiver / count));
    }

    double sum() {
      return orZero(sender) + orZero(carrier) + orZero(receiver);
    }

    private static double orZero(double value) {
      return Double.isNaN(value) ? 0 : value;
    }
  }

  Stage(Setup setup, Load load, Consumer<String> progress) {
    this.setup = setup;
    this.load = load;
    this.progress = progress;
  }

  /** Says something of a run that takes long. */
  void tell(String sentence) {
    progress.accept(sentence);
  }

  Setup setup() {
    return setup;
  }

  Load load() {
    return load;
  }

  /** Ends the run as soon as it looks. */
  void giveUp() {
    givenUp = true;
  }

  /** Starts all; returns when records flow. */
  void begin() throws IOException {
    setup.startCarrier();
    beginReceiver();
    beginSender();
  }

  /** Starts the receiver; returns when it is connected. */
  void beginReceiver() throws IOException {
    setup.receiver().start();
    int connections = Math.max(1, setup.transports().size());
    await(setup.receiver(), () -> setup.receiver().gauge(Gauge.CONNECTED) >= connections);
  }

  /** Starts the sender; returns when all agents are connected. */
  void beginSender() throws IOException {
    setup.sender().start();
    await(setup.sender(), () -> setup.sender().gauge(Gauge.CONNECTED) >= load.agents());
  }

  private void await(Party party, BooleanSupplier condition) throws IOException {
    if (!passUntil(START_WITHIN, condition)) {
      throw new BenchException(
          "It takes %s more than %d s to connect: %s"
              .formatted(party.name(), START_WITHIN.toSeconds(), party.lastWords()));
    }
  }

  /** Lets time pass. */
  void pass(double seconds) throws IOException {
    boolean unused = passUntil(Duration.ofNanos(nanos(seconds)), () -> false);
  }

  /**
   * Lets time pass until something holds.
   *
   * @return false when it still does not after so long
   */
  boolean passUntil(Duration most, BooleanSupplier condition) throws IOException {
    long deadline = System.nanoTime() + most.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline >= 0) {
        return false;
      }
      LockSupport.parkNanos(LOOK_NANOS);
      look();
    }
    return true;
  }

  private void look() throws IOException {
    if (givenUp) {
      throw new BenchException("The run was given up.");
    }
    requireRunning(setup.receiver());
    if (!senderMayBeGone) {
      requireRunning(setup.sender());
    }
    long millis = millis(System.nanoTime());
    if (points.isEmpty() || millis - points.get(points.size() - 1).millis() >= pointMillis) {
      points.add(new Timeline.Point(millis, stored()));
      if (points.size() > MOST_POINTS) {
        List<Timeline.Point> every = List.copyOf(points);
        points.clear();
        for (int i = 0; i < every.size(); i += 2) {
          points.add(every.get(i));
        }
        pointMillis *= 2;
      }
    }
  }

  private static void requireRunning(Party party) throws IOException {
    if (party.pid() != 0 && !party.isRunning()) {
      throw new BenchException(
          "It was not to be expected that %s ends: %s".formatted(party.name(), party.lastWords()));
    }
  }

  /** The sender will be away for a while. */
  void senderMayBeGone(boolean may) {
    senderMayBeGone = may;
  }

  private long millis(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(nanos - origin);
  }

  /** Notes that something was done now; returns when that was, by the steady clock. */
  long mark(String what) {
    long now = System.nanoTime();
    marks.add(new Timeline.Mark(millis(now), what));
    return now;
  }

  /** Records that are stored so far. */
  long stored() {
    return setup.receiver().gauge(Gauge.STORED);
  }

  /** Looks at everything. */
  Sight sight() {
    OptionalLong carrier = setup.carrier();
    Each cpu =
        new Each(
            ProcessStat.cpuSeconds(setup.sender().pid()).orElse(Double.NaN),
            carrier.isPresent()
                ? ProcessStat.cpuSeconds(carrier.getAsLong()).orElse(Double.NaN)
                : Double.NaN,
            ProcessStat.cpuSeconds(setup.receiver().pid()).orElse(Double.NaN));
    Each allocated =
        new Each(
            setup.sender().gauge(Gauge.ALLOCATED),
            Double.NaN,
            setup.receiver().gauge(Gauge.ALLOCATED));
    return new Sight(
        System.nanoTime(),
        setup.sender().gauge(Gauge.MADE),
        stored(),
        cpu,
        allocated,
        ProcessStat.machineCpuSeconds().orElse(Double.NaN)
            - ProcessStat.cpuSeconds(ProcessHandle.current().pid()).orElse(0));
  }

  /** What is the same throughout: begun, warmed up, and measured. */
  Outcome steady(Scale scale) throws IOException {
    begin();
    warmUp(scale);
    setup.sender().tell(Gauge.ENOUGH, 1);
    return measured(scale);
  }

  /** What is seen from now on, for as long as is measured. */
  Outcome measured(Scale scale) throws IOException {
    Sight from = sight();
    pass(scale.measured());
    return outcome(from, sight(), Recovery.NONE);
  }

  /** What is seen while those records are said that the load measures, once all were hurried. */
  Outcome paced() throws IOException {
    Party sender = setup.sender();
    sender.tell(Gauge.ENOUGH, 1);
    long before = load.from() * load.agents();
    boolean begun =
        passUntil(
            SAY_WITHIN,
            () ->
                sender.gauge(Gauge.HURRIED) > 0
                    && sender.gauge(Gauge.MADE) >= sender.gauge(Gauge.HURRIED) + before);
    Sight from = sight();
    boolean said = begun && passUntil(SAY_WITHIN, () -> sender.gauge(Gauge.FINISHED) > 0);
    Sight to = sight();
    if (!said) {
      throw new BenchException(
          "The records were not said in %d s.".formatted(SAY_WITHIN.toSeconds()));
    }
    return outcome(from, to, Recovery.NONE);
  }

  /**
   * Lets time pass until everybody's code is compiled, as far as it will be: until the compilers of
   * all JVMs that take part have rested for a while. Not less than one time, nor more than another.
   * All is said at full speed at first, so that the compilers see what is to be measured; then less
   * of it, so that they get the processors; and at full speed again at the end.
   *
   * <p>What is stored meanwhile is brought to its end, and dropped at last. Else the measured
   * records went into a page cache of memory that nobody had touched yet: where the host of a
   * virtual machine takes back what is free, a write into such memory takes five times as long.
   */
  void warmUp(Scale scale) throws IOException {
    long begun = System.nanoTime();
    long most = begun + nanos(scale.mostWarmUp() - FULL_AGAIN);
    passAndRecount(scale.warmUp());
    if (System.nanoTime() - most < 0) {
      setup.sender().tell(Gauge.EASE, EASED_BYTES / load.bytes());
      passUntilCompiled(most);
      setup.sender().tell(Gauge.EASE, 0);
      passAndRecount(FULL_AGAIN);
    }
    setup.drop();
  }

  private void passUntilCompiled(long most) throws IOException {
    double compiled = compiled();
    for (int rests = 0; rests < RESTS && System.nanoTime() - most < 0; ) {
      passAndRecount(Math.min(REST, (most - System.nanoTime()) / 1e9));
      double now = compiled();
      rests = now - compiled < REST * COMPILING ? rests + 1 : 0;
      compiled = now;
    }
  }

  private void passAndRecount(double seconds) throws IOException {
    long end = System.nanoTime() + nanos(seconds);
    for (long left = nanos(seconds); left > 0; left = end - System.nanoTime()) {
      pass(Math.min(REST, left / 1e9));
      setup.recountSoFar();
    }
  }

  private static long nanos(double seconds) {
    return (long) (seconds * 1e9);
  }

  /** CPU seconds that all compilers have used. */
  private double compiled() {
    return ProcessStat.compilerCpuSeconds(setup.sender().pid())
        + ProcessStat.compilerCpuSeconds(setup.receiver().pid())
        + setup.carrier().stream().mapToDouble(ProcessStat::compilerCpuSeconds).sum();
  }

  /** What was seen between two sights. */
  Outcome outcome(Sight from, Sight to, Recovery recovery) {
    return new Outcome(
        rates(from, to), cost(from, to), recovery, others(from, to), List.of(), null);
  }

  /** How fast it went between two sights. */
  static Rates rates(Sight from, Sight to) {
    double seconds = from.secondsUntil(to);
    return new Rates((to.made - from.made) / seconds, (to.stored - from.stored) / seconds);
  }

  /** What it took between two sights; peaks are those until now. */
  Cost cost(Sight from, Sight to) {
    double records = to.stored - from.stored;
    if (records <= 0) {
      return new Cost(Cost.Split.NONE, peaks(), Cost.Split.NONE);
    }
    return new Cost(
        to.cpu.minus(from.cpu).per(records / 1e6),
        peaks(),
        to.allocated.minus(from.allocated).per(records));
  }

  /** The peaks of memory until now. */
  Cost.Split peaks() {
    OptionalLong carrier = setup.carrier();
    return new Cost.Split(
        number(ProcessStat.peakBytes(setup.sender().pid())),
        carrier.isPresent() ? number(ProcessStat.peakBytes(carrier.getAsLong())) : null,
        number(ProcessStat.peakBytes(setup.receiver().pid())));
  }

  /** How many processors others kept busy between two sights; empty where that is not known. */
  static OptionalDouble others(Sight from, Sight to) {
    double own = to.cpu.minus(from.cpu).sum();
    double others = (to.machine - from.machine - own) / from.secondsUntil(to);
    return Double.isNaN(others) ? OptionalDouble.empty() : OptionalDouble.of(Math.max(0, others));
  }

  private static @Nullable Double number(double value) {
    return Double.isNaN(value) || value < 0 ? null : value; // less than before: another process
  }

  private static @Nullable Double number(OptionalLong value) {
    return value.isPresent() ? (double) value.getAsLong() : null;
  }

  /** Has the sender's heap collected, and looks at what memory is used. */
  Memory.Sample sample() throws IOException {
    Party sender = setup.sender();
    sender.tell(Gauge.HEAP, 0);
    sender.tell(Gauge.COLLECT, sender.gauge(Gauge.COLLECT) + 1);
    if (!passUntil(COLLECT_WITHIN, () -> sender.gauge(Gauge.HEAP) > 0)) {
      throw new BenchException("The sender does not collect its heap: " + sender.lastWords());
    }
    OptionalLong carrier = setup.carrier();
    Memory.Sample sample =
        new Memory.Sample(
            millis(System.nanoTime()),
            sender.gauge(Gauge.HEAP),
            ProcessStat.residentBytes(sender.pid()).orElse(0),
            carrier.isPresent() ? ProcessStat.residentBytes(carrier.getAsLong()).orElse(0) : 0,
            ProcessStat.residentBytes(setup.receiver().pid()).orElse(0));
    samples.add(sample);
    return sample;
  }

  Memory memory() {
    return new Memory(samples);
  }

  Timeline timeline() {
    return new Timeline(points, marks);
  }

  /** Has the sender drain and end, then the receiver; then recounts. */
  Counts end() throws IOException, InterruptedException {
    if (!setup.sender().end(END_WITHIN)) {
      throw new BenchException(
          "It takes %s more than %d s to drain: %s"
              .formatted(
                  setup.sender().name(), END_WITHIN.toSeconds(), setup.sender().lastWords()));
    }
    if (!setup.receiver().end(END_WITHIN)) {
      throw new BenchException(
          "It takes %s too long to end: %s"
              .formatted(setup.receiver().name(), setup.receiver().lastWords()));
    }
    setup.endCarrier();
    return setup.recount();
  }
}
