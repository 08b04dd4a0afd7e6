// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.computations.parity.Sendings.Repeated;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Compares the two ways of one stream, window by window. Not safe for several threads.
 *
 * <p>A record that came one way alone is missing on the other when later ones came that other way
 * (a transport keeps the order), it was not said to be left out, and nothing has come for its
 * window for as long as the deadline. So a way that is silent is not taken for one that loses.
 */
final class StreamParity {

  /** Copies that do not come for so many deadlines, though originals do, have ended. */
  private static final int SILENT = 3;

  private final StreamKey key;
  private final ParityLimits limits;
  private final boolean redelivers;
  private final Findings findings;
  private final Consumer<WindowReport> reports;
  private final MessageDigest sha256 = sha256();
  private final byte[] hash = new byte[32];
  private final Side[] sides = {new Side(), new Side()};

  /** Of consecutive numbers; some in the middle may be closed. */
  private final List<Window> windows = new ArrayList<>();

  /** What was found missing, by its number: the hash that came the other way. */
  private final Map<Long, Missing> missing = new LinkedHashMap<>();

  /** The lowest number that is compared; 0 while it is not known. */
  private long from;

  /**
   * When it began to be followed while copies were flowing already, in ns; null where it did not.
   */
  private final @Nullable Long resumedAt;

  /** All windows below this number were judged. */
  private long judgedBelow;

  private long copyStart;
  private boolean interrupted;
  private boolean ended;
  private long compared;
  private long skipped;
  private long closedWindows;
  private long differing;

  private record Missing(long hash, Finding finding) {}

  /**
   * The sums at an instant.
   *
   * @param compared records that came both ways alike
   * @param pending records that came one way, and may come the other
   * @param skipped records that came one way, and whose absence the other way says nothing
   */
  record Sums(long compared, long pending, long skipped) {}

  StreamParity(
      StreamKey key,
      ParityLimits limits,
      boolean redelivers,
      @Nullable Long resumedAt,
      Findings findings,
      Consumer<WindowReport> reports) {
    this.key = key;
    this.limits = limits;
    this.redelivers = redelivers;
    this.resumedAt = resumedAt;
    this.findings = findings;
    this.reports = reports;
  }

  StreamKey key() {
    return key;
  }

  Side side(int side) {
    return sides[side];
  }

  long closedWindows() {
    return closedWindows;
  }

  long differing() {
    return differing;
  }

  int openWindows() {
    return windows.size();
  }

  /** Whether copies come: that is, they did, and not only originals for some time. */
  boolean hasCopies() {
    Side copies = sides[Side.COPY];
    long ahead = sides[Side.ORIGINAL].touched - copies.touched;
    return copies.upTo > 0 && ahead < SILENT * limits.deadline().toNanos();
  }

  /**
   * The way back was broken here, for one transport: what was under way may be lost. Later ones may
   * have come by now over the new connection, so what is lacking says nothing either.
   */
  void interrupt(String transport) {
    Side copies = sides[Side.COPY];
    if (copies.transport.equals(transport)) {
      interrupted = true;
      for (Window window : windows) {
        long last = Math.min(window.last(), copies.upTo);
        for (long n = Math.max(from, window.first()); n <= last && !window.isClosed(); n++) {
          if (!window.has(Side.COPY, n)) {
            copies.skipped.add(n, n);
          }
        }
      }
    }
  }

  void take(Arrival arrival, long now) {
    if (ended) {
      return;
    }
    int at = arrival.isCopy() ? Side.COPY : Side.ORIGINAL;
    Side side = sides[at];
    side.transport = arrival.transport();
    side.touched = now;
    if (arrival.isCopy()) {
      noteCopy(arrival, now);
    }
    if (from > 0 && arrival.last() < from) {
      return;
    }
    if (arrival.gap()) {
      side.skipped.add(arrival.first(), arrival.last());
    } else {
      records(arrival, at, side, now);
    }
    side.upTo = Math.max(side.upTo, arrival.last());
    settle(now);
  }

  private void noteCopy(Arrival arrival, long now) {
    Side side = sides[Side.COPY];
    boolean anew = arrival.copiedFrom() > copyStart;
    if (copyStart > 0 && (anew || interrupted)) {
      // Nobody knows how much of what was under way has come.
      side.skipped.add(side.upTo + 1, arrival.first() - 1);
    }
    interrupted = false;
    copyStart = Math.max(copyStart, arrival.copiedFrom());
    if (from == 0) {
      begin(now);
    }
  }

  private void begin(long now) {
    if (resumedAt == null) {
      from = copyStart;
    } else if (now - resumedAt >= limits.deadline().toNanos()
        && sides[Side.ORIGINAL].upTo > 0
        && sides[Side.COPY].upTo > 0) {
      // Of what came before that, a part was seen by whoever followed before, and is not seen
      // again.
      from = Math.max(sides[Side.ORIGINAL].upTo, sides[Side.COPY].upTo) + 1;
    } else {
      return;
    }
    while (!windows.isEmpty() && windows.get(0).last() < from) {
      windows.remove(0);
    }
  }

  private void records(Arrival arrival, int at, Side side, long now) {
    Repeated repeated =
        side.sendings.note(arrival.line(), arrival.turn(), arrival.first(), arrival.last());
    ByteBuffer payload = arrival.payload();
    int begin = payload.position();
    long number = arrival.first();
    for (int i = begin; i <= payload.limit(); i++) {
      if (i == payload.limit() || payload.get(i) == '\n') {
        if (number >= from) {
          boolean twice = repeated.contains(number);
          if (twice && !redelivers) {
            findings.add(new Finding(Kind.DUPLICATE, key, number, side.transport));
          }
          put(at, number, hash(payload, begin, i), twice, now);
        }
        begin = i + 1;
        number++;
      }
    }
  }

  private void put(int at, long number, long recordHash, boolean twice, long now) {
    Window window = window(number, now);
    if (window == null) {
      late(at, number, recordHash);
    } else if (!window.has(at, number)) {
      sides[at].records++;
      window.put(at, number, recordHash, now);
    } else {
      sides[at].resent += twice ? 0 : 1;
      if (window.hash(at, number) != recordHash) {
        findings.add(new Finding(Kind.ALTERED, key, number, sides[at].transport));
      }
    }
  }

  /** It came after its window was judged. */
  private void late(int at, long number, long recordHash) {
    Missing known = missing.get(number);
    if (known == null || !known.finding().transport().equals(sides[at].transport)) {
      sides[at].resent++;
      return;
    }
    missing.remove(number);
    Kind kind = known.hash() == recordHash ? Kind.LATE : Kind.ALTERED;
    sides[at].records++;
    findings.change(known.finding(), new Finding(kind, key, number, sides[at].transport));
  }

  /** Where a number belongs; null where that was judged already. */
  private @Nullable Window window(long number, long now) {
    int size = limits.windowRecords();
    long first = number - (number - 1) % size;
    if (windows.isEmpty()) {
      if (first < judgedBelow) {
        return null;
      }
      windows.add(new Window(first, size, now));
    }
    if (first < windows.get(0).first()) {
      return null;
    }
    if (first - windows.get(0).first() >= 2L * size * limits.openWindows()) {
      while (!windows.isEmpty()) {
        closeFirst(now);
      }
      windows.add(new Window(first, size, now));
    }
    while (windows.get(windows.size() - 1).first() < first) {
      windows.add(new Window(windows.get(windows.size() - 1).first() + size, size, now));
      if (windows.size() > limits.openWindows()) {
        closeFirst(now);
      }
    }
    Window found = windows.get((int) ((first - windows.get(0).first()) / size));
    return found.isClosed() ? null : found;
  }

  /** Judges the oldest window as it is, to make room. */
  void closeFirst(long now) {
    if (!windows.isEmpty()) {
      close(windows.get(0), isOverdue(windows.get(0), now));
      pop();
    }
  }

  /** Closes whatever can be judged. */
  void settle(long now) {
    if (from == 0) {
      return;
    }
    for (Window window : windows) {
      if (!window.isClosed() && canBeJudged(window, now)) {
        close(window, isOverdue(window, now));
      }
    }
    while (!windows.isEmpty() && windows.get(0).isClosed()) {
      pop();
    }
  }

  /** Ends the comparison: what is still on its way is not waited for. */
  void end(long now) {
    settle(now);
    while (!windows.isEmpty()) {
      closeFirst(now);
    }
    ended = true;
  }

  /** How it stands: what was judged, and what the open windows show so far. */
  Sums look(long now, Consumer<Finding> found) {
    long same = compared;
    long waiting = 0;
    long left = skipped;
    for (Window window : windows) {
      if (!window.isClosed()) {
        Sums sums =
            judge(window, isOverdue(window, now), false, (finding, other) -> found.accept(finding));
        same += sums.compared();
        waiting += sums.pending();
        left += sums.skipped();
      }
    }
    return new Sums(same, waiting, left);
  }

  private void pop() {
    Window window = windows.remove(0);
    if (!window.isClosed()) {
      throw new IllegalStateException("A window was forgotten before it was judged.");
    }
    judgedBelow = window.last() + 1;
    for (Side side : sides) {
      side.skipped.forgetBelow(judgedBelow);
    }
  }

  private boolean isOverdue(Window window, long now) {
    return now - window.touched() >= limits.deadline().toNanos();
  }

  private boolean canBeJudged(Window window, long now) {
    if (window.isFull()) {
      return true;
    }
    if (sides[0].upTo < window.last() || sides[1].upTo < window.last()) {
      return false;
    }
    return isOverdue(window, now) || isComplete(window);
  }

  private boolean isComplete(Window window) {
    for (long n = Math.max(from, window.first()); n <= window.last(); n++) {
      for (int at = 0; at < Side.COUNT; at++) {
        if (!window.has(at, n) && !sides[at].skipped.contains(n)) {
          return false;
        }
      }
    }
    return true;
  }

  private void close(Window window, boolean overdue) {
    if (window.isClosed()) {
      return;
    }
    if (from > 0 && window.last() >= from) {
      Sums sums =
          judge(
              window,
              overdue,
              true,
              (finding, other) -> {
                findings.add(finding);
                if (finding.kind() == Kind.MISSING && missing.size() < limits.named()) {
                  missing.put(finding.number(), new Missing(other, finding));
                }
              });
      compared += sums.compared();
      skipped += sums.skipped();
      if (window.present(0) > 0 || window.present(1) > 0) {
        WindowReport report =
            new WindowReport(key, window.first(), window.last(), way(window, 0), way(window, 1));
        closedWindows++;
        differing += report.isEqual() ? 0 : 1;
        reports.accept(report);
      }
    }
    window.close();
  }

  private WindowReport.Way way(Window window, int at) {
    return new WindowReport.Way(sides[at].transport, window.present(at), window.digest(at, sha256));
  }

  /** Takes what was found, and the hash of the record as it came the other way. */
  private interface Sink {
    void found(Finding finding, long other);
  }

  /** Looks at each record of a window; where that is the last look, nothing is left pending. */
  private Sums judge(Window window, boolean overdue, boolean last, Sink sink) {
    long same = 0;
    long pending = 0;
    long left = 0;
    for (long n = Math.max(from, window.first()); n <= window.last(); n++) {
      boolean original = window.has(Side.ORIGINAL, n);
      boolean copy = window.has(Side.COPY, n);
      if (original && copy) {
        if (window.hash(Side.ORIGINAL, n) == window.hash(Side.COPY, n)) {
          same++;
        } else {
          sink.found(
              new Finding(Kind.ALTERED, key, n, sides[Side.COPY].transport),
              window.hash(Side.ORIGINAL, n));
        }
      } else if (original != copy) {
        int lacking = original ? Side.COPY : Side.ORIGINAL;
        Side side = sides[lacking];
        if (side.skipped.contains(n)) {
          left++;
        } else if (n < side.upTo && (overdue || (last && lacking == Side.COPY))) {
          sink.found(
              new Finding(Kind.MISSING, key, n, side.transport), window.hash(1 - lacking, n));
        } else if (last) {
          left++;
        } else {
          pending++;
        }
      }
    }
    return new Sums(same, pending, left);
  }

  private long hash(ByteBuffer payload, int begin, int end) {
    ByteBuffer record = payload.duplicate();
    record.limit(end).position(begin);
    sha256.update(record);
    try {
      sha256.digest(hash, 0, hash.length);
    } catch (DigestException e) {
      throw new IllegalStateException("SHA-256 has 32 bytes.", e);
    }
    return ByteBuffer.wrap(hash).getLong();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
