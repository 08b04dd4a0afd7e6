// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.chaos.Fault.Kind;
import dev.fairlead.bench.rig.Carrier;
import dev.fairlead.bench.rig.Signals;
import dev.fairlead.bench.rig.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.function.Consumer;

/** Does what was planned, each thing in its time, and mends it again. For use by one thread. */
final class Injector {

  /** What cannot be done now, since its subject is down, is done so much later. */
  private static final long LATER_NANOS = Duration.ofMillis(250).toNanos();

  private final List<Carrier> carriers;
  private final List<Guest> guests;
  private final Collector collector;
  private final Consumer<String> progress;
  private final PriorityQueue<Step> steps = new PriorityQueue<>(Comparator.comparingLong(Step::at));
  private final Map<Kind, Integer> done = new EnumMap<>(Kind.class);
  private final List<Stall> stalls = new ArrayList<>();
  private long stopped;

  private interface Deed {
    void run() throws IOException, InterruptedException;
  }

  private record Step(long at, Deed deed) {}

  /**
   * How agents noticed that the peer stood still.
   *
   * @param stalls how often it did
   * @param measured agents that were connected when it began, over all stalls of 5 s and more, and
   *     those of shorter ones that noticed
   * @param worstMillis the longest that one took; 0 when none was measured
   * @param unnoticed how many did not notice a stall of 5 s or more
   */
  record Notices(int stalls, int measured, long worstMillis, int unnoticed) {}

  Injector(
      List<Carrier> carriers, List<Guest> guests, Collector collector, Consumer<String> progress) {
    this.carriers = List.copyOf(carriers);
    this.guests = guests;
    this.collector = collector;
    this.progress = progress;
  }

  /**
   * Takes what is to be done.
   *
   * @param start by the steady clock
   */
  void plan(List<Fault> plan, long start) {
    for (Fault fault : plan) {
      long at = start + fault.at().toNanos();
      steps.add(new Step(at, () -> strike(fault, at)));
    }
  }

  /** Whether there is anything left to do. */
  boolean goesOn() {
    return !steps.isEmpty();
  }

  /** Does what is due. */
  void step() throws IOException, InterruptedException {
    for (Step next = steps.peek();
        next != null && next.at - System.nanoTime() <= 0;
        next = steps.peek()) {
      steps.remove().deed.run();
    }
  }

  /** Makes sure that nothing is broken any more. */
  void mend() throws IOException, InterruptedException {
    resume();
    collector.cut(false);
    if (!collector.isRunning()) {
      collector.start();
    }
    for (Guest guest : guests) {
      guest.cut(false);
      if (!guest.isRunning()) {
        guest.start();
      }
    }
  }

  /** How often what was done. */
  Map<Kind, Integer> done() {
    return new EnumMap<>(done);
  }

  /** What the agents' own notes say of the stalls. */
  Notices notices() throws IOException {
    if (carriers.size() > 1) {
      return new Notices(stalls.size(), 0, 0, 0); // who is on another has nothing to notice
    }
    int measured = 0;
    int unnoticed = 0;
    long worst = 0;
    for (Guest guest : guests) {
      List<Status.Change> changes = guest.changes();
      for (Stall stall : stalls) {
        OptionalLong after = stall.noticedAfter(changes);
        if (!stall.concerns(changes)) {
          continue;
        }
        if (after.isPresent()) {
          measured++;
          worst = Math.max(worst, after.getAsLong());
        } else if (stall.millis() >= 5000) {
          measured++;
          unnoticed++;
        }
      }
    }
    return new Notices(stalls.size(), measured, worst, unnoticed);
  }

  private void strike(Fault fault, long at) throws IOException, InterruptedException {
    boolean hit =
        switch (fault.kind()) {
          case BROKER_KILL -> killBroker(fault);
          case BROKER_STALL -> stallBroker(fault, at);
          case AGENT_KILL -> killAgent(fault, at);
          case LINK_CUT -> cutLink(fault, at);
          case COLLECTOR_KILL -> killCollector(fault, at);
        };
    if (hit) {
      done.merge(fault.kind(), 1, Integer::sum);
    } else {
      long later = System.nanoTime() + LATER_NANOS;
      steps.add(new Step(later, () -> strike(fault, later)));
    }
  }

  /** By the plan's time, however late this is: what is planned for after the mending is so. */
  private void mendLater(Fault fault, long at, Deed deed) {
    steps.add(new Step(at + fault.lasts().toNanos(), deed));
  }

  /** Where there are several, the fault's subject says which one it hits. */
  private Carrier carrier(Fault fault) {
    return carriers.get(fault.subject() % carriers.size());
  }

  private boolean killBroker(Fault fault) {
    OptionalLong pid = carrier(fault).pid();
    if (pid.isEmpty()) {
      return false;
    }
    progress.accept("kill -9: what carries messages");
    ProcessHandle.of(pid.getAsLong()).ifPresent(ProcessHandle::destroyForcibly);
    return true;
  }

  private boolean stallBroker(Fault fault, long at) throws IOException, InterruptedException {
    OptionalLong pid = carrier(fault).pid();
    if (pid.isEmpty()) {
      return false;
    }
    progress.accept("stall of %d ms: what carries messages".formatted(fault.lasts().toMillis()));
    long from = System.nanoTime();
    stopped = pid.getAsLong();
    Signals.stop(stopped);
    mendLater(
        fault,
        at,
        () -> {
          stalls.add(new Stall(from, System.nanoTime()));
          resume();
          progress.accept("it goes on");
        });
    return true;
  }

  private void resume() throws IOException, InterruptedException {
    for (Carrier carrier : carriers) {
      OptionalLong pid = carrier.pid();
      if (stopped != 0 && pid.isPresent() && pid.getAsLong() == stopped) {
        Signals.resume(stopped);
      }
    }
    stopped = 0;
  }

  private boolean killAgent(Fault fault, long at) throws InterruptedException {
    Guest guest = guests.get(fault.subject());
    if (!guest.isRunning()) {
      return false;
    }
    progress.accept("kill -9: agent " + guest.computation());
    guest.kill();
    mendLater(
        fault,
        at,
        () -> {
          guest.start();
          progress.accept("agent " + guest.computation() + " starts again");
        });
    return true;
  }

  private boolean cutLink(Fault fault, long at) {
    boolean agent = fault.subject() < guests.size();
    String whose = agent ? "agent " + guests.get(fault.subject()).computation() : "the collector";
    progress.accept("cut of %d ms: the link of %s".formatted(fault.lasts().toMillis(), whose));
    cut(fault, true);
    mendLater(
        fault,
        at,
        () -> {
          cut(fault, false);
          progress.accept("the link of " + whose + " is mended");
        });
    return true;
  }

  private void cut(Fault fault, boolean on) {
    if (fault.subject() < guests.size()) {
      guests.get(fault.subject()).cut(on);
    } else {
      collector.cut(on);
    }
  }

  private boolean killCollector(Fault fault, long at) throws InterruptedException {
    if (!collector.isRunning()) {
      return false;
    }
    progress.accept("kill -9: the collector");
    collector.kill();
    mendLater(
        fault,
        at,
        () -> {
          collector.start();
          progress.accept("the collector starts again");
        });
    return true;
  }
}
