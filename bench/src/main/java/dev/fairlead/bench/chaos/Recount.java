// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Holds a ledger against a store, line by line, by the two files alone ({@link LedgerMain} and
 * {@link StoreDump} explain them). The files may be anybody's; nothing in them is trusted but that
 * a number fits the memory.
 *
 * <p>A line with level {@code SPOOLED} must be stored. One that was in flight when its agent ended
 * must be if the next run of that agent found its number in the spool ({@code recovered}); it must
 * not be if the next run did not; and may be, once, where there was no next run.
 */
final class Recount {

  private static final int MAX_ROW = 4096;
  private static final long MAX_NUMBER = 1L << 30;
  private static final int EXAMPLES = 3;

  private final Map<String, Numbering> numberings = new HashMap<>();

  /** By computation and stream: what each run found in its spool, and of which epoch. */
  private final Map<String, NavigableMap<Long, Found>> found = new HashMap<>();

  private final List<InFlight> inFlight = new ArrayList<>();
  private final Map<Wrong, List<String>> examples = new EnumMap<>(Wrong.class);
  private final Map<Wrong, Long> counts = new EnumMap<>(Wrong.class);
  private long appended;
  private long stored;
  private long neverAppended;

  private enum Wrong {
    LOST,
    DUPLICATE,
    REORDERED,
    ALTERED,
    UNKNOWN,
    DROPPED,
    DAMAGED
  }

  private record Found(String epoch, long upTo) {}

  private record InFlight(String party, String epoch, long number, long run, long hash) {}

  /** One epoch of one stream: what must stand at each number, and what was met there. */
  private static final class Numbering {
    private long[] hashes = new long[1024];
    private final BitSet must = new BitSet();
    private final BitSet may = new BitSet();
    private final BitSet met = new BitSet();
    private final BitSet right = new BitSet();
    private long highest;

    void expect(int number, long hash, BitSet duty) {
      if (number >= hashes.length) {
        hashes = java.util.Arrays.copyOf(hashes, Math.max(number + 1, hashes.length * 2));
      }
      hashes[number] = hash;
      duty.set(number);
    }
  }

  private Recount() {}

  /**
   * Reads both files.
   *
   * @throws IOException when one cannot be read, or a row makes no sense
   */
  static Tally of(Path ledger, Path store) throws IOException {
    Recount recount = new Recount();
    rows(ledger, recount::ledger);
    recount.judgeInFlight();
    rows(store, recount::store);
    return recount.tally();
  }

  private interface RowReader {
    void read(JsonObject row);
  }

  private static void rows(Path file, RowReader reader) throws IOException {
    long line = 0;
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.US_ASCII)) {
      for (String row = in.readLine(); row != null; row = in.readLine()) {
        line++;
        reader.read(Json.parseObject(row.getBytes(StandardCharsets.US_ASCII), MAX_ROW));
      }
    } catch (ProtocolException e) {
      throw new IOException(
          "Row %d of %s makes no sense: %s".formatted(line, file, e.getMessage()), e);
    }
  }

  private static String party(JsonObject row) {
    return row.string("computation") + "/" + row.string("stream");
  }

  private Numbering numbering(String party, String epoch) {
    return numberings.computeIfAbsent(party + "/" + epoch, absent -> new Numbering());
  }

  private static long hash(JsonObject row) {
    try {
      return Long.parseUnsignedLong(row.string("hash"), 16);
    } catch (NumberFormatException e) {
      throw row.refuse("hash", "is no hash");
    }
  }

  private void ledger(JsonObject row) {
    String party = party(row);
    String epoch = row.string("epoch");
    long run = row.integer("run", 1, Long.MAX_VALUE);
    if (row.has("recovered")) {
      found
          .computeIfAbsent(party, absent -> new TreeMap<>())
          .put(run, new Found(epoch, row.integer("recovered", 0, MAX_NUMBER)));
      return;
    }
    int number = (int) row.integer("number", 1, MAX_NUMBER);
    long hash = hash(row);
    if (row.string("level").equals("SPOOLED")) {
      expect(party, epoch, number, hash);
    } else {
      inFlight.add(new InFlight(party, epoch, number, run, hash));
    }
  }

  private void expect(String party, String epoch, int number, long hash) {
    Numbering numbering = numbering(party, epoch);
    appended++;
    if (numbering.must.get(number)) {
      // Two lines reached the spool under one number; at most one of them can be stored.
      note(Wrong.LOST, 1, party, epoch, number, "two lines reached the spool under this number");
    } else {
      numbering.expect(number, hash, numbering.must);
    }
  }

  private void judgeInFlight() {
    for (InFlight line : inFlight) {
      NavigableMap<Long, Found> runs = found.getOrDefault(line.party, new TreeMap<>());
      Map.Entry<Long, Found> next = runs.higherEntry(line.run);
      int number = (int) line.number;
      if (next == null) {
        Numbering numbering = numbering(line.party, line.epoch);
        if (!numbering.must.get(number)) {
          numbering.expect(number, line.hash, numbering.may);
        }
      } else if (next.getValue().epoch.equals(line.epoch) && number <= next.getValue().upTo) {
        expect(line.party, line.epoch, number, line.hash);
      } else {
        neverAppended++;
      }
    }
  }

  private void store(JsonObject row) {
    if (row.has("damaged")) {
      long bytes = row.integer("damaged", 1, Long.MAX_VALUE);
      note(Wrong.DAMAGED, bytes, "", "", 0, "bytes of the store cannot be read");
      return;
    }
    String party = party(row);
    String epoch = row.string("epoch");
    if (row.has("gap")) {
      long first = row.integer("first", 1, MAX_NUMBER);
      long last = row.integer("last", first, Long.MAX_VALUE);
      note(Wrong.DROPPED, last - first + 1, party, epoch, first, "gap " + row.string("gap"));
      return;
    }
    int number = (int) row.integer("number", 1, MAX_NUMBER);
    Numbering numbering = numbering(party, epoch);
    if (numbering.met.get(number)) {
      note(Wrong.DUPLICATE, 1, party, epoch, number, "is stored again");
      return;
    }
    numbering.met.set(number);
    if (number < numbering.highest) {
      note(Wrong.REORDERED, 1, party, epoch, number, "stands behind " + numbering.highest);
    }
    numbering.highest = Math.max(numbering.highest, number);
    boolean must = numbering.must.get(number);
    if (!must && !numbering.may.get(number)) {
      note(Wrong.UNKNOWN, 1, party, epoch, number, "is stored, and was never appended");
    } else if (numbering.hashes[number] != hash(row)) {
      note(Wrong.ALTERED, 1, party, epoch, number, "is stored with another hash");
    } else {
      stored++;
      appended += must ? 0 : 1; // it was, then
      numbering.right.set(number);
    }
  }

  private Tally tally() {
    numberings.forEach(
        (name, numbering) -> {
          BitSet lost = (BitSet) numbering.must.clone();
          lost.andNot(numbering.met);
          if (!lost.isEmpty()) {
            int first = lost.nextSetBit(0);
            note(
                Wrong.LOST,
                lost.cardinality(),
                name,
                "",
                first,
                "is the first of %d that are not stored, up to %d"
                    .formatted(lost.cardinality(), lost.length() - 1));
          }
        });
    return new Tally(
        appended,
        stored,
        count(Wrong.LOST),
        count(Wrong.DUPLICATE),
        count(Wrong.REORDERED),
        count(Wrong.ALTERED),
        count(Wrong.UNKNOWN),
        count(Wrong.DROPPED),
        inFlight.size(),
        neverAppended,
        count(Wrong.DAMAGED),
        examples.values().stream().flatMap(List::stream).toList());
  }

  private long count(Wrong what) {
    return counts.getOrDefault(what, 0L);
  }

  private void note(
      Wrong what, long count, String party, String epoch, long number, String sentence) {
    counts.merge(what, count, Long::sum);
    List<String> some = examples.computeIfAbsent(what, absent -> new ArrayList<>());
    if (some.size() < EXAMPLES) {
      some.add(
          "%s: %s %s number %d %s"
              .formatted(
                  what.name().toLowerCase(java.util.Locale.ROOT), party, epoch, number, sentence)
              .replaceAll(" +", " "));
    }
  }
}
