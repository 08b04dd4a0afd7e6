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

/**
 * Compares, for the computations that are followed, what comes over two transports. Takes every
 * batch as it comes, before repeats are dropped; holds no records, only their hashes, and these no
 * longer than until both have come or the deadline is over.
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
  private final LongAdder unfollowed = new LongAdder();

  // What ended streams have left; guarded by this.
  private long compared;
  private long skipped;
  private long resent;
  private long closedWindows;
  private long differing;

  /** Guarded by itself. */
  private final Deque<JsonObject> lastWindows = new ArrayDeque<>();

  /** Guarded by the one before. */
  private final List<JsonObject> differingWindows = new ArrayList<>();

  private record Followed(boolean resumed, long since, Map<StreamKey, StreamParity> streams) {}

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
   * Follows a computation from now on.
   *
   * @param resumed whether copies may be flowing already: what came before somebody listened is
   *     then left out of the comparison
   */
  public void follow(String computation, boolean resumed) {
    followed.computeIfAbsent(
        computation, absent -> new Followed(resumed, nanos.getAsLong(), new ConcurrentHashMap<>()));
  }

  /** Who is followed. */
  public Set<String> followed() {
    return Set.copyOf(followed.keySet());
  }

  /** Whether copies of a computation's records have come. */
  public boolean hasCopies(String computation) {
    Followed one = followed.get(computation);
    return one != null && one.streams().values().stream().anyMatch(Parity::hasCopies);
  }

  /** Whether originals of a computation's records have come since it is followed. */
  public boolean isSpeaking(String computation) {
    Followed one = followed.get(computation);
    return one != null && one.streams().values().stream().anyMatch(Parity::isSpeaking);
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
      return stream.side(Side.COPY).upTo > 0;
    }
  }

  /** Follows a computation no more. What was found stays; what is still on its way is left out. */
  public void leave(String computation) {
    Followed one = followed.remove(computation);
    if (one != null) {
      one.streams().values().forEach(this::end);
    }
  }

  private void end(StreamParity stream) {
    synchronized (stream) {
      int before = stream.openWindows();
      stream.end(nanos.getAsLong());
      open.addAndGet(stream.openWindows() - before);
      streams.decrementAndGet();
      for (int at = 0; at < Side.COUNT; at++) {
        Side side = stream.side(at);
        endedRecords.computeIfAbsent(side.transport, absent -> new LongAdder()).add(side.records);
      }
      StreamParity.Sums sums = stream.look(nanos.getAsLong(), finding -> {});
      synchronized (this) {
        compared += sums.compared();
        skipped += sums.skipped();
        resent += stream.side(Side.ORIGINAL).resent + stream.side(Side.COPY).resent;
        closedWindows += stream.closedWindows();
        differing += stream.differing();
      }
    }
  }

  /** A batch has come. */
  public void take(Arrival arrival) {
    Followed one = followed.get(arrival.stream().computation());
    if (one == null) {
      return;
    }
    StreamParity stream = one.streams().get(arrival.stream());
    if (stream == null) {
      if (streams.get() >= limits.streams()) {
        unfollowed.increment();
        return;
      }
      seen.add(arrival.stream().computation());
      stream = one.streams().computeIfAbsent(arrival.stream(), key -> begin(key, one));
    }
    synchronized (stream) {
      int before = stream.openWindows();
      long now = nanos.getAsLong();
      stream.take(arrival, now);
      if (open.get() + stream.openWindows() - before > limits.allWindows()) {
        stream.closeFirst(now);
      }
      open.addAndGet(stream.openWindows() - before);
    }
  }

  private StreamParity begin(StreamKey key, Followed one) {
    streams.incrementAndGet();
    return new StreamParity(
        key, limits, redelivers, one.resumed() ? one.since() : null, findings, this::judged);
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
    for (StreamParity stream : all()) {
      synchronized (stream) {
        stream.interrupt(transport);
      }
    }
  }

  /** Judges what is overdue; to be called about once a second. */
  public void tick() {
    for (StreamParity stream : all()) {
      synchronized (stream) {
        int before = stream.openWindows();
        stream.settle(nanos.getAsLong());
        open.addAndGet(stream.openWindows() - before);
      }
    }
  }

  private Collection<StreamParity> all() {
    return followed.values().stream().flatMap(one -> one.streams().values().stream()).toList();
  }

  /** How it stands. */
  public Verdict verdict() {
    tick();
    Map<String, Long> records = new HashMap<>();
    endedRecords.forEach((transport, sum) -> records.merge(transport, sum.sum(), Long::sum));
    Set<Finding> found = new LinkedHashSet<>();
    Set<String> silent = new TreeSet<>(followed.keySet());
    long same;
    long left;
    long again;
    long closed;
    long differ;
    synchronized (this) {
      same = compared;
      left = skipped;
      again = resent;
      closed = closedWindows;
      differ = differing;
    }
    long pending = 0;
    long opened = 0;
    for (StreamParity stream : all()) {
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
        if (sums.compared() > 0) {
          silent.remove(stream.key().computation());
        }
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
    Decision decision =
        broken
            ? Decision.UNSAFE
            : same == 0 || !silent.isEmpty() ? Decision.UNDECIDED : Decision.SAFE;
    records.remove("");
    return new Verdict(
        decision,
        reason(decision, same, silent),
        since,
        clock.instant(),
        seen.size(),
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

  private String reason(Decision decision, long same, Set<String> silent) {
    return switch (decision) {
      case SAFE -> "All of %d records that could be compared came over both alike.".formatted(same);
      case UNSAFE ->
          "Records are missing, altered or came twice: see the findings, and stay on the old transport.";
      case UNDECIDED ->
          same == 0 && silent.isEmpty()
              ? "Nothing could be compared yet: wait until computations have spoken over both."
              : "Nothing could be compared yet of %d computations, such as %s: wait, or see whether they reach the new transport."
                  .formatted(silent.size(), silent.stream().findFirst().orElse("-"));
    };
  }
}
