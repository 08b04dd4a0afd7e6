// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How the change of a bundle in one agent stands. Safe for use by several threads. */
final class GuestChange {

  /** How often an agent may ask for a piece: an honest one does so each second of a minute. */
  private static final int MOST_TIMES = 64;

  /**
   * So long after a piece was given it is given again, then twice as long, and so on: it may still
   * be on its way to a slow guest, which more of the same would only make slower.
   */
  private static final Duration AGAIN = Duration.ofSeconds(2);

  private static final int MOST_DOUBLED = 8;

  /**
   * What an agent said before may be heard after what it said since, by seconds. One whose uptime
   * falls back further is another process, although it goes on with the same numbering.
   */
  private static final Duration OVERTAKEN = Duration.ofSeconds(30);

  private final String computation;
  private final int run;
  private final Command.Bundle order;
  private final Instant began;
  private byte @Nullable [] jar;
  private final Piece[] pieces;
  private @Nullable Instant heard;
  private Instant sayAt = Instant.MIN;
  private @Nullable String epoch;
  private Duration uptime = Duration.ZERO;
  private BundleRequest.@Nullable Outcome outcome;

  /** How often a piece was asked for and given. */
  private static final class Piece {
    int asked;
    int given;
    Instant next = Instant.MIN;
  }

  /**
   * Makes one that is under way.
   *
   * @param jar its bytes; not copied
   * @param said what the agent said last
   */
  GuestChange(
      String computation,
      int run,
      Command.Bundle order,
      byte[] jar,
      Instant began,
      Reception.Said said) {
    this.computation = computation;
    this.run = run;
    this.order = order;
    this.jar = jar;
    this.began = began;
    this.pieces = new Piece[(jar.length + BundleRequest.PIECE - 1) / BundleRequest.PIECE];
    Arrays.setAll(pieces, i -> new Piece());
    var unused = isForgotten(said);
  }

  String computation() {
    return computation;
  }

  int run() {
    return run;
  }

  Command.Bundle order() {
    return order;
  }

  Instant began() {
    return began;
  }

  synchronized boolean isUnderWay() {
    return outcome == null;
  }

  /** How many bytes it keeps in memory. */
  synchronized long held() {
    return jar == null ? 0 : jar.length;
  }

  /** The agent asked or said something of it. */
  synchronized void heard(Instant now) {
    heard = now;
  }

  /** When the agent last asked or said something of it; null when never. */
  synchronized @Nullable Instant heard() {
    return heard;
  }

  /** Whether the order is to be given again; it is then given, and not so soon after. */
  synchronized boolean isToBeSaid(Instant now, Duration pause) {
    if (now.isBefore(sayAt)) {
      return false;
    }
    sayAt = now.plus(pause);
    return true;
  }

  /**
   * Whether the agent's process is another than the one that was told, which knows nothing of it.
   */
  synchronized boolean isForgotten(Reception.Said said) {
    Heartbeat beat = said.heartbeat();
    if (beat == null) {
      return false;
    }
    if (epoch == null) {
      epoch = beat.epoch();
    }
    if (uptime.compareTo(beat.uptime()) < 0) {
      uptime = beat.uptime();
    }
    return !epoch.equals(beat.epoch()) || beat.uptime().plus(OVERTAKEN).compareTo(uptime) < 0;
  }

  /** Whether an agent asks for a piece more often than an honest one would. */
  synchronized boolean isGreedy(BundleRequest.Piece wanted) {
    int index = (int) (wanted.offset() / BundleRequest.PIECE);
    return index < pieces.length && pieces[index].asked > MOST_TIMES;
  }

  /**
   * A piece of the jar.
   *
   * @return empty beyond its end, and when the change is over; null where it is not given now,
   *     since it was given just before, or too often
   */
  synchronized @Nullable ByteBuffer piece(BundleRequest.Piece wanted, Instant now) {
    byte[] bytes = jar;
    int length = bytes == null ? 0 : wanted.length(bytes.length);
    if (bytes == null || length == 0) {
      return ByteBuffer.allocate(0);
    }
    Piece piece = pieces[(int) (wanted.offset() / BundleRequest.PIECE)];
    piece.asked++;
    if (piece.asked > MOST_TIMES || now.isBefore(piece.next)) {
      return null;
    }
    piece.next = now.plus(AGAIN.multipliedBy(1L << Math.min(piece.given, MOST_DOUBLED)));
    piece.given++;
    return ByteBuffer.wrap(bytes, (int) wanted.offset(), length).slice().asReadOnlyBuffer();
  }

  /**
   * Nothing is awaited of it any more.
   *
   * @return whether it was under way until now; else nothing changes
   */
  synchronized boolean giveUp(BundleRequest.Outcome why) {
    return outcome == null && decide(why);
  }

  /**
   * The agent has said what became of it, be it after it was given up.
   *
   * @return whether it was under way until now
   */
  synchronized boolean decide(BundleRequest.Outcome decided) {
    boolean first = outcome == null;
    outcome = decided;
    jar = null;
    return first;
  }

  synchronized JsonObject toJson() {
    BundleRequest.Outcome now = outcome;
    JsonObject.Builder json =
        JsonObject.builder()
            .put("command", order.id())
            .put("run", run)
            .put("bundle", order.bundle())
            .put("to", order.version())
            .put("sha256", order.sha256())
            .put("started", began.toString())
            .put("state", now == null ? "under-way" : now.done() ? "done" : "failed");
    if (now != null) {
      json.putIfPresent("from", now.from())
          .putIfPresent("code", now.code())
          .putIfPresent("message", now.message())
          .put("othersRefreshed", now.othersRefreshed())
          .put("millis", now.millis());
    }
    return json.build();
  }
}
