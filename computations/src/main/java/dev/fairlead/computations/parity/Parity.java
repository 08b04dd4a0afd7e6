// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.computations.parity.Verdict.Decision;
import dev.fairlead.protocol.json.JsonObject;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Compares, for the computations that are followed, what comes over two transports. Takes every
 * batch as it comes, before repeats are dropped; holds no records, only their hashes, and these no
 * longer than until both have come or the deadline is over. A computation whose run has ended is
 * judged by what came, and not waited for.
 *
 * <p>Safe for use by several threads; {@link #take} is called by a transport's threads and does not
 * block for longer than hashing takes.
 */
public final class Parity {

  private static final int EVIDENCE = 16;

  private final ParityLimits limits;
  private final boolean redelivers;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Instant since;
  private final Findings findings;
  private final Map<String, Followed> followed = new ConcurrentHashMap<>();
  private final Set<String> seen = ConcurrentHashMap.newKeySet();
  private final Map<String, LongAdder> endedRecords = new ConcurrentHashMap<>();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger streams = new AtomicInteger();

  // What those that are followed no more have left; guarded by this.
  private int comparedOnes;
  private int uncomparedOnes;
  private long compared;
  private long skipped;
  private long resent;
  private long closedWindows;
  private long differing;

  /** Guarded by itself. */
  private final Deque<JsonObject> lastWindows = new ArrayDeque<>();

  /** Guarded by the one before. */
  private final List<JsonObject> differingWindows = new ArrayList<>();

  /** One computation. Its lock guards the coming and going of its streams. */
  private static final class Followed {
    final boolean resumed;
    final long since;
    final Map<StreamKey, StreamParity> streams = new ConcurrentHashMap<>();

    /** Windows of all its streams. */
    final AtomicInteger open = new AtomicInteger();

    /** When something came last. */
    volatile long touched;

    /** Whether it began more numberings than are compared. */
    volatile boolean crowded;

    /** Since when its run is over; null while it is not. */
    volatile @Nullable Long over;

    /** Guarded by this. */
    boolean left;

    Followed(boolean resumed, long since) {
      this.resumed = resumed;
      this.since = since;
      this.touched = since;
    }

    Collection<StreamParity> all() {
      return streams.values();
    }

    /** Until when it is waited for what is on its way of a run that is over. */
    long doneAt(long grace) {
      Long since = over;
      return (since == null ? touched : Math.max(since, touched)) + grace;
    }
  }

  /**
   * Makes one that follows nobody.
   *
   * @param redelivers whether a transport's peer stores what is sent and gives it again until it is
   *     dealt with: one sending that comes twice is then no defect
   * @param clock this host's time, for documents
   * @param nanos a clock that never goes back, for deadlines
   */
  public Parity(ParityLimits limits, boolean redelivers, InstantSource clock, LongSupplier nanos) {
    this.limits = requireNonNull(limits, "limits is null");
    this.redelivers = redelivers;
    this.clock = requireNonNull(clock, "clock is null");
    this.nanos = requireNonNull(nanos, "nanos is null");
    this.since = clock.instant();
    this.findings = new Findings(limits.named());
  }

  /**
   * Follows a computation from now on. One whose run is over begins anew.
   *
   * @param resumed whether copies may be flowing already: what came before somebody listened is
   *     then left out of the comparison
   */
  public void follow(String computation, boolean resumed) {
    Followed before = followed.get(computation);
    if (before != null && before.over != null) {
      leave(computation);
    }
    followed.computeIfAbsent(computation, absent -> new Followed(resumed, nanos.getAsLong()));
  }

  /**
   * The run of a computation is over: what is still on its way is taken for half of the deadline,
   * then it is judged by what came, and followed no more.
   */
  public void runIsOver(String computation) {
    Followed one = followed.get(computation);
    if (one != null && one.over == null) {
      one.over = nanos.getAsLong();
    }
  }

  /** Who is followed. */
  public Set<String> followed() {
    return Set.copyOf(followed.keySet());
  }

  /** Whether copies of a computation's records come. */
  public boolean hasCopies(String computation) {
    Followed one = followed.get(computation);
    return one != null && one.all().stream().anyMatch(Parity::hasCopies);
  }

  /** Whether originals of a computation's records have come since it is followed. */
  public boolean isSpeaking(String computation) {
    Followed one = followed.get(computation);
    return one != null && one.all().stream().anyMatch(Parity::isSpeaking);
  }

  /** Whether a computation is followed. */
  public boolean follows(String computation) {
    return followed.containsKey(computation);
  }

  private static boolean isSpeaking(StreamParity stream) {
    synchronized (stream) {
      return stream.side(Side.ORIGINAL).upTo > 0;
    }
  }

  private static boolean hasCopies(StreamParity stream) {
    synchronized (stream) {
      return stream.hasCopies();
    }
  }

  /** Follows a computation no more. What was found stays; what is still on its way is left out. */
  public void leave(String computation) {
    Followed one = followed.remove(computation);
    if (one == null) {
      return;
    }
    synchronized (one) {
      one.left = true; // whoever is just taking something begins no stream any more
    }
    long now = nanos.getAsLong();
    long at = one.over == null ? now : Math.min(now, one.doneAt(grace()));
    long same = 0;
    for (StreamParity stream : one.all()) {
      same += end(one, stream, at);
    }
    boolean spoke = one.touched - one.since >= limits.deadline().toNanos();
    synchronized (this) {
      if (same > 0 && !one.crowded) {
        comparedOnes++;
      } else if (one.over != null && (one.crowded || spoke)) {
        uncomparedOnes++;
      }
    }
  }

  private long end(Followed one, StreamParity stream, long now) {
    synchronized (stream) {
      int before = stream.openWindows();
      stream.end(now);
      count(one, stream.openWindows() - before);
      streams.decrementAndGet();
      for (int at = 0; at < Side.COUNT; at++) {
        Side side = stream.side(at);
        endedRecords.computeIfAbsent(side.transport, absent -> new LongAdder()).add(side.records);
      }
      StreamParity.Sums sums = stream.look(now, finding -> {});
      synchronized (this) {
        compared += sums.compared();
        skipped += sums.skipped();
        resent += stream.side(Side.ORIGINAL).resent + stream.side(Side.COPY).resent;
        closedWindows += stream.closedWindows();
        differing += stream.differing();
      }
      return sums.compared();
    }
  }

  private void count(Followed one, int windows) {
    one.open.addAndGet(windows);
    open.addAndGet(windows);
  }

  /** A batch has come. */
  public void take(Arrival arrival) {
    Followed one = followed.get(arrival.stream().computation());
    if (one == null) {
      return;
    }
    StreamParity stream = one.streams.get(arrival.stream());
    if (stream == null) {
      stream = begin(arrival.stream(), one);
      if (stream == null) {
        return;
      }
    }
    long now = nanos.getAsLong();
    one.touched = now;
    synchronized (stream) {
      int before = stream.openWindows();
      stream.take(arrival, now);
      while (stream.openWindows() > 0 && isCrowded(one, stream.openWindows() - before)) {
        stream.closeFirst(now);
      }
      count(one, stream.openWindows() - before);
    }
  }

  private boolean isCrowded(Followed one, int more) {
    return open.get() + more > limits.allWindows() || one.open.get() + more > limits.openWindows();
  }

  private @Nullable StreamParity begin(StreamKey key, Followed one) {
    synchronized (one) {
      StreamParity known = one.streams.get(key);
      if (known != null || one.left) {
        return known;
      }
      if (one.streams.size() >= limits.ofOne() || streams.get() >= limits.streams()) {
        one.crowded = true;
        return null;
      }
      seen.add(key.computation());
      streams.incrementAndGet();
      StreamParity begun =
          new StreamParity(
              key, limits, redelivers, one.resumed ? one.since : null, findings, this::judged);
      one.streams.put(key, begun);
      return begun;
    }
  }

  private void judged(WindowReport report) {
    JsonObject json = report.toJson();
    synchronized (lastWindows) {
      if (report.isEqual()) {
        lastWindows.add(json);
        if (lastWindows.size() > EVIDENCE) {
          lastWindows.remove();
        }
      } else if (differingWindows.size() < EVIDENCE) {
        differingWindows.add(json);
      }
    }
  }

  /** This side's connection of a transport was lost: copies that were under way may be, too. */
  public void interrupted(String transport) {
    for (Followed one : followed.values()) {
      for (StreamParity stream : one.all()) {
        synchronized (stream) {
          stream.interrupt(transport);
        }
      }
    }
  }

  /** Judges what is overdue; to be called about once a second. */
  public void tick() {
    long now = nanos.getAsLong();
    followed.forEach(
        (id, one) -> {
          if (one.over != null && now >= one.doneAt(grace())) {
            leave(id);
            return;
          }
          for (StreamParity stream : one.all()) {
            synchronized (stream) {
              int before = stream.openWindows();
              stream.settle(now);
              count(one, stream.openWindows() - before);
            }
          }
        });
  }

  /** What its sender had no time to send again is not missing, so this is sooner than overdue. */
  private long grace() {
    return limits.deadline().toNanos() / 2;
  }

  /** How it stands. */
  public Verdict verdict() {
    tick();
    Map<String, Long> records = new HashMap<>();
    endedRecords.forEach((transport, sum) -> records.merge(transport, sum.sum(), Long::sum));
    Set<Finding> found = new LinkedHashSet<>();
    Set<String> silent = new TreeSet<>();
    Set<String> crowded = new TreeSet<>();
    int ones;
    int uncompared;
    long same;
    long left;
    long again;
    long closed;
    long differ;
    synchronized (this) {
      ones = comparedOnes;
      uncompared = uncomparedOnes;
      same = compared;
      left = skipped;
      again = resent;
      closed = closedWindows;
      differ = differing;
    }
    long pending = 0;
    long opened = 0;
    for (Map.Entry<String, Followed> entry : followed.entrySet()) {
      Followed one = entry.getValue();
      long before = same;
      for (StreamParity stream : one.all()) {
        synchronized (stream) {
          StreamParity.Sums sums = stream.look(nanos.getAsLong(), found::add);
          same += sums.compared();
          pending += sums.pending();
          left += sums.skipped();
          closed += stream.closedWindows();
          differ += stream.differing();
          opened += stream.openWindows();
          for (int at = 0; at < Side.COUNT; at++) {
            Side side = stream.side(at);
            again += side.resent;
            if (!side.transport.isEmpty()) {
              records.merge(side.transport, side.records, Long::sum);
            }
          }
        }
      }
      if (one.crowded) {
        crowded.add(entry.getKey());
      } else if (same > before) {
        ones++;
      } else if (one.over == null) {
        silent.add(entry.getKey());
      }
    }
    Map<Kind, Long> counts = new HashMap<>(findings.counts());
    Set<Finding> named = new LinkedHashSet<>(findings.named());
    for (Finding finding : found) {
      if (named.add(finding)) {
        counts.merge(finding.kind(), 1L, Long::sum);
      }
    }
    boolean broken =
        counts.entrySet().stream().anyMatch(e -> e.getKey().isDefect() && e.getValue() > 0);
    boolean enough = same > 0 && silent.isEmpty() && crowded.isEmpty() && ones >= uncompared;
    Decision decision = broken ? Decision.UNSAFE : enough ? Decision.SAFE : Decision.UNDECIDED;
    records.remove("");
    return new Verdict(
        decision,
        reason(decision, same, silent, crowded, uncompared),
        since,
        clock.instant(),
        seen.size(),
        uncompared,
        records,
        new Verdict.Sums(same, pending, left),
        again,
        new Verdict.Windows(closed, differ, opened),
        counts,
        named.stream().limit(limits.named()).toList(),
        evidence());
  }

  private List<JsonObject> evidence() {
    synchronized (lastWindows) {
      List<JsonObject> all = new ArrayList<>(differingWindows);
      all.addAll(lastWindows);
      return all;
    }
  }

  private String reason(
      Decision decision, long same, Set<String> silent, Set<String> crowded, int uncompared) {
    return switch (decision) {
      case SAFE -> "All of %d records that could be compared came over both alike.".formatted(same);
      case UNSAFE ->
          "Records are missing, altered or came twice: see the findings, and stay on the old transport.";
      case UNDECIDED -> {
        if (!crowded.isEmpty()) {
          yield "Not all that %d computations say is compared, such as %s: they began more than %d numberings; see what they do, and end them."
              .formatted(crowded.size(), crowded.iterator().next(), limits.ofOne());
        }
        if (!silent.isEmpty()) {
          yield "Nothing could be compared yet of %d computations, such as %s: wait, or see whether they reach the new transport."
              .formatted(silent.size(), silent.iterator().next());
        }
        yield same == 0
            ? "Nothing could be compared yet: wait until computations have spoken over both."
            : "%d computations have ended and nothing of them could be compared, and fewer could be: wait for others, or see whether they reach the new transport."
                .formatted(uncompared);
      }
    };
  }
}
