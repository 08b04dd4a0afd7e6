// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.migration;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.computations.parity.Verdict;
import dev.fairlead.computations.parity.Verdict.Decision;
import dev.fairlead.protocol.Command.Inject;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A migration: what was decided so far, and so what every computation is to do. Each decision makes
 * another one of these; whoever holds it keeps it where it survives a restart.
 *
 * <p>Which computations belong to a percentage follows from their ids alone, so that the same are
 * chosen again after a restart, and those that were chosen stay so while the percentage rises.
 *
 * @param number counts migrations from 1
 * @param from name of the transport that is left
 * @param to name of the transport that is gone to
 * @param shadow whether the chosen ones first send copies over the new transport
 * @param percent of the computations that are chosen, 0 to 100
 * @param moved percent of the computations that are to be on the new transport, at most as many
 * @param phase how far it is
 * @param inject defects to be made in the copies
 * @param held null, or why it stopped by itself
 * @param verdict null, or the newest that a decision was based on
 * @param steps what was decided, the oldest first
 * @param taken the computations that were moved, at most 10 000: who was on the new transport from
 *     its start is not taken back
 */
public record Migration(
    int number,
    String from,
    String to,
    boolean shadow,
    int percent,
    int moved,
    Phase phase,
    Inject inject,
    @Nullable Hold held,
    @Nullable JsonObject verdict,
    List<Step> steps,
    Set<String> taken) {

  /** The most bytes of its JSON. */
  static final int MAX_BYTES = 2 << 20;

  private static final int MOST_TAKEN = 10_000;
  private static final int MOST_STEPS = 256;
  private static final int[] SHARES = {1, 5, 10, 25, 50, 100};

  /** What a computation is to do. */
  public enum Wanted {
    /** Stay on the old transport. */
    OLD,
    /** Stay there, and send copies over the new one. */
    COPIES,
    /** Be on the new transport. */
    NEW
  }

  /**
   * Why it stopped by itself.
   *
   * @param code stable, lower-case words joined by hyphens
   * @param reason one sentence for a person
   */
  public record Hold(String code, String reason, Instant at) {
    JsonObject toJson() {
      return JsonObject.builder()
          .put("code", code)
          .put("reason", reason)
          .put("at", at.toString())
          .build();
    }
  }

  /**
   * What was decided, and when.
   *
   * @param what {@code start}, {@code advance}, {@code cutover}, {@code rollback}, {@code hold}
   * @param decision the verdict of that instant: {@code safe}, {@code unsafe}, {@code undecided},
   *     {@code none}
   * @param forced whether it was done against the verdict
   */
  public record Step(
      Instant at, String what, int percent, int moved, String decision, boolean forced) {
    JsonObject toJson() {
      return JsonObject.builder()
          .put("at", at.toString())
          .put("step", what)
          .put("percent", percent)
          .put("moved_percent", moved)
          .put("verdict", decision)
          .put("forced", forced)
          .build();
    }
  }

  /** Checks what must hold at all times. */
  public Migration {
    requireNonNull(from, "from is null");
    requireNonNull(to, "to is null");
    if (number < 1 || percent < 0 || percent > 100 || moved < 0 || moved > percent) {
      throw new IllegalArgumentException("A share lies between 0 and 100.");
    }
    steps = List.copyOf(steps);
    taken = Set.copyOf(taken);
  }

  /**
   * Begins one.
   *
   * @param share percent of the computations, 1 to 100
   * @throws ComputationException {@code REFUSED}: {@code bad-percent}, {@code same-transport},
   *     {@code no-shadow} where defects are to be made in copies and there are none
   */
  public static Migration start(
      int number, String from, String to, int share, boolean shadow, Inject inject, Instant now) {
    requirePercent(share);
    if (from.equals(to)) {
      throw refuse("same-transport", "A migration leads from one transport to another.");
    }
    if (!shadow && !inject.isNone()) {
      throw refuse("no-shadow", "Defects are made in copies: add --shadow.");
    }
    return new Migration(
            number,
            from,
            to,
            shadow,
            share,
            shadow ? 0 : share,
            Phase.STARTED,
            inject,
            null,
            null,
            List.of(),
            Set.of())
        .step(now, "start", "none", false);
  }

  /** Somebody has followed. */
  public Migration begun() {
    return phase == Phase.STARTED
        ? with(percent, moved, moved > 0 ? Phase.ADVANCING : Phase.SHADOWING, held, verdict)
        : this;
  }

  /**
   * Goes a step on: who was chosen so far is moved, and more are chosen.
   *
   * @param share percent of the computations to be chosen from now on; 0 for the next usual one
   * @param seen the verdict of this instant; null where nothing is compared
   * @throws ComputationException {@code REFUSED}: {@code migration-over}, {@code held}, {@code
   *     verdict-unsafe}, {@code verdict-undecided}, {@code bad-percent}
   */
  public Migration advance(int share, @Nullable Verdict seen, Instant now) {
    requireUnderWay();
    Hold stopped = held;
    if (stopped != null) {
      throw refuse(
          "held",
          "It stopped by itself (%s: %s) and goes on no more: roll back, mend it, start anew."
              .formatted(stopped.code(), stopped.reason()));
    }
    if (shadow) {
      requireSafe(seen);
    }
    int next = share == 0 ? nextShare() : share;
    requirePercent(next);
    if (next < percent || (next == percent && moved == percent)) {
      throw refuse(
          "bad-percent",
          "%d%% are chosen already: name more, cut over, or roll back.".formatted(percent));
    }
    return with(next, shadow ? percent : next, Phase.ADVANCING, null, json(seen))
        .step(now, "advance", word(seen), false);
  }

  private int nextShare() {
    for (int share : SHARES) {
      if (share > percent) {
        return share;
      }
    }
    return 100;
  }

  /**
   * Ends it: all are to be on the new transport, whoever comes later too.
   *
   * @param seen the verdict of this instant; null where nothing is compared
   * @param force whether to do so against the verdict, or without one; that is written down
   * @throws ComputationException {@code REFUSED}: {@code migration-over}; {@code no-verdict},
   *     {@code verdict-unsafe}, {@code verdict-undecided}, {@code held} unless forced
   */
  public Migration cutover(@Nullable Verdict seen, boolean force, Instant now) {
    requireUnderWay();
    boolean against = seen == null || seen.decision() != Decision.SAFE || held != null;
    if (against && !force) {
      if (seen == null) {
        throw refuse(
            "no-verdict",
            "Nothing was compared, so nothing is proven: start with --shadow, or add --force.");
      }
      requireSafe(seen);
      throw refuse("held", "It stopped by itself: see its status; roll back, or add --force.");
    }
    return with(100, 100, Phase.CUT_OVER, held, json(seen))
        .step(now, "cutover", word(seen), against);
  }

  /**
   * Ends it the other way: all are to be on the old transport. After a cutover too.
   *
   * @throws ComputationException {@code REFUSED}, code {@code migration-over}, when it was done
   */
  public Migration rollback(@Nullable Verdict seen, Instant now) {
    if (phase == Phase.ROLLED_BACK) {
      throw refuse("migration-over", "It was rolled back already.");
    }
    JsonObject kept = seen == null ? verdict : seen.toJson();
    return with(0, 0, Phase.ROLLED_BACK, held, kept).step(now, "rollback", word(seen), false);
  }

  /** Stops it where it is. What was moved stays so, and what is compared is compared on. */
  public Migration hold(String code, String reason, @Nullable Verdict seen, Instant now) {
    if (held != null || phase.isOver()) {
      return this;
    }
    return with(percent, moved, phase, new Hold(code, reason, now), json(seen))
        .step(now, "hold", word(seen), false);
  }

  /** A computation is moved. */
  public Migration take(String computation) {
    if (taken.contains(computation) || taken.size() >= MOST_TAKEN) {
      return this;
    }
    Set<String> more = new HashSet<>(taken);
    more.add(computation);
    return new Migration(
        number, from, to, shadow, percent, moved, phase, inject, held, verdict, steps, more);
  }

  /** What a computation is to do. */
  public Wanted wanted(String computation) {
    int share = share(computation);
    return share < moved ? Wanted.NEW : shadow && share < percent ? Wanted.COPIES : Wanted.OLD;
  }

  /** A number from 0 to 99 that follows from an id alone, and is spread evenly. */
  static int share(String computation) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(computation.getBytes(UTF_8));
      return Math.floorMod(ByteBuffer.wrap(hash).getInt(), 100);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  private void requireUnderWay() {
    if (phase.isOver()) {
      throw refuse(
          "migration-over",
          "Migration %d is %s: start another one.".formatted(number, phase.word()));
    }
  }

  private static void requireSafe(@Nullable Verdict now) {
    if (now == null || now.decision() == Decision.UNDECIDED) {
      throw refuse(
          "verdict-undecided", now == null ? "Nothing was compared yet: wait." : now.reason());
    }
    if (now.decision() == Decision.UNSAFE) {
      throw refuse("verdict-unsafe", now.reason());
    }
  }

  private static void requirePercent(int share) {
    if (share < 1 || share > 100) {
      throw refuse("bad-percent", "A share is 1 to 100 percent, not %d.".formatted(share));
    }
  }

  private static ComputationException refuse(String code, String sentence) {
    return new ComputationException(REFUSED, code, sentence);
  }

  private static String word(@Nullable Verdict now) {
    return now == null ? "none" : now.decision().word();
  }

  private static @Nullable JsonObject json(@Nullable Verdict now) {
    return now == null ? null : now.toJson();
  }

  private Migration with(
      int share, int gone, Phase next, @Nullable Hold why, @Nullable JsonObject shown) {
    return new Migration(
        number, from, to, shadow, share, gone, next, inject, why, shown, steps, taken);
  }

  private Migration step(Instant now, String what, String decision, boolean forced) {
    List<Step> more = new ArrayList<>(steps);
    if (more.size() >= MOST_STEPS) {
      more.remove(1); // how it began stays
    }
    more.add(new Step(now, what, percent, moved, decision, forced));
    return new Migration(
        number, from, to, shadow, percent, moved, phase, inject, held, verdict, more, taken);
  }

  /** Its JSON, as it is shown. */
  public JsonObject toJson() {
    JsonObject.Builder json =
        JsonObject.builder()
            .put("migration", number)
            .put("from", from)
            .put("to", to)
            .put("shadow", shadow)
            .put("percent", percent)
            .put("moved_percent", moved)
            .put("phase", phase.word())
            .put("inject", inject.toJson())
            .put("steps", JsonArray.of(steps.stream().map(Step::toJson).toList()));
    Hold stopped = held;
    if (stopped != null) {
      json.put("held", stopped.toJson());
    }
    return json.putIfPresent("verdict_then", verdict).build();
  }

  /** All of it, as it is kept. */
  public byte[] toBytes() {
    JsonObject.Builder all = JsonObject.builder();
    toJson().fields().forEach(all::put);
    return all.put("taken", taken.stream().sorted().toList()).build().toBytes();
  }

  /** Reads what {@link #toBytes} has written. */
  public static Migration parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    Optional<JsonObject> stopped = json.optionalObject("held");
    return new Migration(
        (int) json.integer("migration", 1, Integer.MAX_VALUE),
        json.string("from"),
        json.string("to"),
        json.bool("shadow"),
        (int) json.integer("percent", 0, 100),
        (int) json.integer("moved_percent", 0, 100),
        Phase.of(json.string("phase")),
        Inject.parse(json.object("inject")),
        stopped
            .map(
                hold ->
                    new Hold(
                        hold.string("code"),
                        hold.string("reason", 1024),
                        Instant.parse(hold.string("at"))))
            .orElse(null),
        json.optionalObject("verdict_then").orElse(null),
        json.objects("steps").stream()
            .map(
                step ->
                    new Step(
                        Instant.parse(step.string("at")),
                        step.string("step"),
                        (int) step.integer("percent", 0, 100),
                        (int) step.integer("moved_percent", 0, 100),
                        step.string("verdict"),
                        step.bool("forced")))
            .toList(),
        Set.copyOf(json.strings("taken")));
  }
}
