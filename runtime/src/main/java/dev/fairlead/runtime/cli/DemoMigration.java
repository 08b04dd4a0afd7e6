// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Leads a computation that speaks along a route of transports, each leg a migration of its own:
 * copies, verdict, cutover. In a thread of its own, beside whoever drives the computation.
 */
final class DemoMigration implements AutoCloseable {

  private static final long POLL_NANOS = 250_000_000;
  private static final long LEG_NANOS = 180_000_000_000L;

  /** Records that are compared before anybody is moved. */
  private static final long ENOUGH = 400;

  private final JsonClient computations;
  private final List<String> route;
  private final JsonObject inject;
  private final LongSupplier lines;
  private final Progress progress;
  private final Thread thread = new Thread(this::run, "fairlead-demo-migration");
  private final CountDownLatch over = new CountDownLatch(1);
  private final List<JsonObject> legs = new ArrayList<>();
  private volatile boolean closed;
  private volatile @Nullable String failure;
  private volatile JsonObject last = JsonObject.empty();

  /**
   * Makes one.
   *
   * @param route two transports or more
   * @param inject defects to be made in the copies of the first leg, after which nobody is moved;
   *     empty for none
   * @param lines how many lines were heard so far: it begins with the first
   */
  DemoMigration(
      JsonClient computations,
      List<String> route,
      JsonObject inject,
      LongSupplier lines,
      Progress progress) {
    this.computations = computations;
    this.route = List.copyOf(route);
    this.inject = inject;
    this.lines = lines;
    this.progress = progress;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Whether the route was gone to its end; in a drill, whether exactly what was made was found. */
  boolean isGood() {
    return failure == null
        && (drill()
            ? found().equals(made()) && !made().isEmpty()
            : legs.size() == route.size() - 1);
  }

  /** What there is to tell, once the computation is over. */
  JsonObject.Builder toJson() {
    JsonObject.Builder json =
        JsonObject.builder()
            .put("route", route)
            .put("verdict", Fields.text(last, "verdict"))
            .put("findings", last.get("findings").orElse(JsonArray.of(List.of())))
            .put("injected", last.get("injected").orElse(JsonArray.of(List.of())))
            .put("legs", JsonArray.of(legs));
    return json.putIfPresent("failure", failure);
  }

  private void run() {
    try {
      await("the first line", status -> lines.getAsLong() > 0, () -> JsonObject.empty());
      for (int i = 0; i + 1 < route.size(); i++) {
        leg(route.get(i), route.get(i + 1));
        if (drill()) {
          return;
        }
      }
    } catch (HttpProblem | CommandFailure e) {
      failure = String.valueOf(e.getMessage());
      progress.say("the migration failed: " + failure);
    } finally {
      over.countDown();
    }
  }

  private void leg(String from, String to) {
    long began = System.nanoTime();
    JsonObject.Builder asked =
        JsonObject.builder()
            .put("from", from)
            .put("to", to)
            .put("percent", 100)
            .put("shadow", true);
    if (drill()) {
      asked.put("inject", inject);
    }
    computations.post("/migration", asked.build().toBytes());
    progress.say("%s to %s: lines go over both now, and are compared".formatted(from, to));
    if (drill()) {
      await("the findings", this::allFound, this::report);
      progress.say("the defects were found; a cutover is refused, so it is rolled back");
      refusedCutover();
      last = report(); // as it was before it is rolled back
      computations.post("/migration/rollback", JsonObject.empty().toBytes());
      return;
    }
    JsonObject compared =
        await(
            "a verdict",
            report ->
                !Fields.text(report, "verdict").equals("undecided")
                    && report.optionalInteger("compared", 0, Long.MAX_VALUE).orElse(0) >= ENOUGH,
            this::report);
    progress.say(
        "%s records came over both alike: %s"
            .formatted(Fields.text(compared, "compared"), Fields.text(compared, "verdict")));
    long cut = System.nanoTime();
    computations.post("/migration/cutover", JsonObject.empty().toBytes());
    await(
        "the computation on " + to,
        status ->
            status
                    .object("computations")
                    .object("by_transport")
                    .optionalInteger(to, 0, Long.MAX_VALUE)
                    .orElse(0)
                > 0,
        () -> computations.get("/migration"));
    long there = lines.getAsLong();
    long now = System.nanoTime();
    await("lines over " + to, any -> lines.getAsLong() > there + 1, () -> JsonObject.empty());
    last = report();
    progress.say("it is on %s, and goes on speaking".formatted(to));
    legs.add(
        JsonObject.builder()
            .put("from", from)
            .put("to", to)
            .put("verdict", Fields.text(last, "verdict"))
            .put("compared", last.number("compared"))
            .put("phase", Fields.text(last, "phase"))
            .put("cutoverMs", (now - cut) / 1_000_000)
            .put("totalMs", (now - began) / 1_000_000)
            .build());
  }

  private boolean drill() {
    return !inject.fields().isEmpty();
  }

  private void refusedCutover() {
    try {
      computations.post("/migration/cutover", JsonObject.empty().toBytes());
      throw new CommandFailure(ExitCode.FAILED, "The cutover was not refused.");
    } catch (HttpProblem e) {
      if (e.status() != 409) {
        throw e;
      }
    }
  }

  private boolean allFound(JsonObject report) {
    long wanted = 0;
    for (String kind : List.of("drop", "alter", "duplicate")) {
      wanted += inject.optionalInteger(kind, 0, 100).orElse(0);
    }
    last = report;
    return made().size() == wanted && found().size() >= wanted;
  }

  private Set<String> found() {
    return words("findings");
  }

  private Set<String> made() {
    return words("injected");
  }

  private Set<String> words(String name) {
    Set<String> all = new HashSet<>();
    if (last.has(name)) {
      for (JsonObject one : last.objects(name)) {
        all.add(
            String.join(
                " ",
                Fields.text(one, "kind"),
                Fields.text(one, "computation"),
                Fields.text(one, "stream"),
                Fields.text(one, "number")));
      }
    }
    return all;
  }

  private JsonObject report() {
    return computations.get("/migration/report");
  }

  private interface Source {
    JsonObject get();
  }

  private JsonObject await(String what, Predicate<JsonObject> wanted, Source source) {
    long deadline = System.nanoTime() + LEG_NANOS;
    while (!closed) {
      JsonObject now = source.get();
      if (wanted.test(now)) {
        return now;
      }
      if (System.nanoTime() - deadline > 0) {
        throw new CommandFailure(
            ExitCode.FAILED,
            "Waited %d s for %s in vain; the last answer: %s"
                .formatted(LEG_NANOS / 1_000_000_000L, what, now));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new CommandFailure(
        ExitCode.FAILED, "The computation was over before there was %s.".formatted(what));
  }

  /** Ends it where it is; a leg that is not done is a failure. */
  @Override
  public void close() {
    closed = true;
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
