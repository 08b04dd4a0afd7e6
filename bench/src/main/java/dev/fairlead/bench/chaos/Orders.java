// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Orders to an agent to change its transport, and what became of them, in its status folder: {@code
 * order}, a number and a name, replaced as a whole; and {@code swaps}, one line for each order that
 * was carried out: number, name, {@code ok} or a failure's code, milliseconds that it took,
 * microseconds of the longest append meanwhile.
 *
 * <p>This is the agent's end; the static methods are the other. For use by one thread.
 */
final class Orders {

  private static final String ORDER = "order";
  private static final String SWAPS = "swaps";
  private static final String OK = "ok";
  private static final long LOOK_NANOS = 20_000_000L;

  /** After a swap the old one drains: what the producer feels of that counts too. */
  private static final long AFTER_NANOS = 500_000_000L;

  private final Path folder;
  private final Switchboard switchboard;
  private final Words words;
  private final Addresses own;
  private final Bundled bundled;
  private int seen;
  private long lookedAt = System.nanoTime();
  private @Nullable Change change;

  /** One that is carried out. */
  private static final class Change {
    final int number;
    final String to;
    final long begun = System.nanoTime();
    final CompletableFuture<Void> used;
    long ended;
    long longest;

    Change(int number, String to, CompletableFuture<Void> used) {
      this.number = number;
      this.to = to;
      this.used = used;
    }
  }

  /**
   * What became of one.
   *
   * @param code {@code ok}, or why not
   * @param pauseMicros the longest append meanwhile
   */
  record Outcome(String to, String code, long millis, long pauseMicros) {

    boolean isDone() {
      return code.equals(OK);
    }
  }

  /** Begins behind the orders that an earlier run of the agent was given. */
  Orders(Path folder, Switchboard switchboard, Words words, Addresses own, Bundled bundled)
      throws IOException {
    this.bundled = bundled;
    this.folder = folder;
    this.switchboard = switchboard;
    this.words = words;
    this.own = own;
    Path file = folder.resolve(ORDER);
    seen = Files.exists(file) ? number(file) : 0;
  }

  private static int number(Path file) throws IOException {
    return Integer.parseInt(Files.readString(file, US_ASCII).split(" ", -1)[0]);
  }

  /** Gives an order. */
  static void give(Path folder, int number, String to) throws IOException {
    Path draft = folder.resolve(ORDER + ".new");
    Files.writeString(draft, number + " " + to, US_ASCII);
    Files.move(draft, folder.resolve(ORDER), StandardCopyOption.ATOMIC_MOVE);
  }

  /** What became of those that were carried out. */
  static List<Outcome> outcomes(Path folder) throws IOException {
    Path file = folder.resolve(SWAPS);
    List<Outcome> outcomes = new ArrayList<>();
    if (Files.exists(file)) {
      for (String line : Files.readString(file, US_ASCII).split("\n", -1)) {
        String[] part = line.split(" ", -1);
        if (part.length == 5) {
          outcomes.add(
              new Outcome(part[1], part[2], Long.parseLong(part[3]), Long.parseLong(part[4])));
        }
      }
    }
    return outcomes;
  }

  /** A line was appended, which took so long. */
  void appended(long nanos) {
    Change now = change;
    if (now != null && nanos > now.longest) {
      now.longest = nanos;
    }
  }

  /** Begins what is ordered, and notes what has ended. */
  void look() throws IOException {
    Change now = change;
    if (now != null) {
      note(now);
      return;
    }
    Path file = folder.resolve(ORDER);
    if (System.nanoTime() - lookedAt < LOOK_NANOS || !Files.exists(file)) {
      return;
    }
    lookedAt = System.nanoTime();
    String[] order = Files.readString(file, US_ASCII).split(" ", -1);
    int number = Integer.parseInt(order[0]);
    if (number > seen) {
      seen = number;
      if (!switchboard.transport().filter(order[1]::equals).isPresent()) {
        change =
            new Change(
                number,
                order[1],
                Way.use(switchboard::use, words, bundled.provider(order[1]), own)
                    .toCompletableFuture());
      }
    }
  }

  private void note(Change now) throws IOException {
    if (!now.used.isDone()) {
      return;
    }
    if (now.ended == 0) {
      now.ended = System.nanoTime();
    }
    if (System.nanoTime() - now.ended < AFTER_NANOS) {
      return;
    }
    change = null;
    Files.writeString(
        folder.resolve(SWAPS),
        "%d %s %s %d %d%n"
            .formatted(
                now.number,
                now.to,
                code(now.used),
                TimeUnit.NANOSECONDS.toMillis(now.ended - now.begun),
                TimeUnit.NANOSECONDS.toMicros(now.longest)),
        US_ASCII,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private static String code(CompletableFuture<Void> used) {
    try {
      used.join();
      return OK;
    } catch (CompletionException e) {
      return e.getCause() instanceof TransportException told ? told.code() : "failed";
    }
  }
}
