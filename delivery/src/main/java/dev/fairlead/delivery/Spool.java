// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One stream's records on disk, in a {@link SegmentLog}, until they are delivered: with them lives
 * the numbering, since the epoch and the next number are read from here again. Safe for use by
 * several threads.
 *
 * <p>An entry of the log, version 1; numbers are big-endian:
 *
 * <pre>
 *  1 byte   version: 1
 *  1 byte   kind: 1 records, 2 gap, 3 mark
 *  2 bytes  length n of the epoch, n bytes ASCII
 *  8 bytes  all numbers up to this one were delivered or dropped when this was written
 *  8 bytes  how many of those were delivered
 *  8 bytes  the next number: no entry up to here has one that is as high
 *  8 bytes  number of the first record; of a mark 1
 *  8 bytes  how many records; of a mark 0
 *  rest     records: joined by newlines; gap: the reason, ASCII; mark: the stream's address, ASCII
 * </pre>
 *
 * Records lie in the order of their numbers. A gap may lie anywhere, and takes the place of any
 * records of its range; of two with the same first number the later one is good. Numbers between
 * two entries, for which there is neither, are lost: they were damaged, and become a gap. What the
 * reader does not understand, it takes for damaged.
 *
 * <p>A file is deleted when all in it is delivered or dropped, and an entry in a later file is
 * synced; it is not kept back if that cannot say so.
 */
final class Spool implements AutoCloseable {

  /** What an entry costs beside its payload, at most. */
  static final int OVERHEAD = SegmentScanner.ENTRY_HEADER + 4 + 64 + 40;

  private static final Logger LOG = System.getLogger(Spool.class.getName());

  /** The reason of a gap that stands for records which could not be read again. */
  static final String DAMAGED = "spool-damaged";

  private static final byte VERSION = 1;
  private static final byte RECORDS = 1;
  private static final byte GAP = 2;
  private static final byte MARK = 3;
  private static final int MAX_ENTRY = 2 << 20;

  private final SegmentLog log;
  private final Runner runner;
  private final String address;
  private final String epoch;
  private final Found found;

  /** Where the last entry lies that is synced; only touched on the runner, and while opening. */
  private volatile long lastEntry;

  /**
   * What was there when it was opened.
   *
   * @param next the next number to be given
   * @param forgotten all up to here was delivered or dropped
   * @param delivered how many of these were delivered
   * @param chunks what is still held, in order, none of it in memory
   */
  record Found(long next, long forgotten, long delivered, List<Chunk> chunks) {}

  /**
   * How far a stream is.
   *
   * @param forgotten all up to here was delivered or dropped
   * @param delivered how many of these were delivered
   * @param next the number behind the last that was written, or is before this
   */
  record Stand(long forgotten, long delivered, long next) {}

  private record Entry(byte kind, String epoch, Stand stand, long first, long count, int head) {

    long last() {
      return first + count - 1;
    }
  }

  private Spool(
      SegmentLog log, Runner runner, String address, String epoch, Found found, long lastEntry) {
    this.log = log;
    this.runner = runner;
    this.address = address;
    this.epoch = epoch;
    this.found = found;
    this.lastEntry = lastEntry;
  }

  /**
   * Opens a stream's spool, made where there is none. Reads all of it.
   *
   * @throws DeliveryException {@code REFUSED} when somebody else has it, or it is another stream's;
   *     {@code RETRY} when the disk fails
   */
  static Spool open(SpoolConfig config, StreamConfig stream, Runner runner) {
    String address = stream.address();
    SegmentLog log =
        SegmentLog.open(
            config.disk(),
            new SegmentLog.Config(
                config.segmentBytes(),
                config.syncInterval(),
                stream.capacityBytes() + (64L << 20),
                MAX_ENTRY,
                "spool of " + address),
            runner,
            null);
    try {
      Survey survey = new Survey(address);
      survey.look(log);
      String epoch = survey.epoch == null ? stream.epoch() : survey.epoch;
      Found found =
          survey.epoch == null
              ? new Found(1, 0, 0, List.of())
              : survey.collect(log, stream.batchBytes());
      return new Spool(log, runner, address, epoch, found, survey.lastEntry);
    } catch (RuntimeException e) {
      log.close();
      throw e;
    }
  }

  /** The numbering that lives here. */
  String epoch() {
    return epoch;
  }

  Found found() {
    return found;
  }

  /** Bytes of its files. */
  long size() {
    return log.size();
  }

  /**
   * Writes a chunk; its bytes are in memory, and stay as they are.
   *
   * @return its place in the log when it is synced: position and end
   */
  CompletionStage<long[]> write(Chunk chunk, Stand stand) {
    String gap = chunk.gap();
    ByteBuffer payload = gap == null ? chunk.payload() : ByteBuffer.wrap(gap.getBytes(US_ASCII));
    ByteBuffer head = head(gap == null ? RECORDS : GAP, stand, chunk.first, chunk.count());
    return append(head, payload);
  }

  /** Notes how far the stream is, and that it is there. */
  CompletionStage<long[]> mark(Stand stand) {
    return append(head(MARK, stand, 1, 0), ByteBuffer.wrap(address.getBytes(US_ASCII)));
  }

  private CompletionStage<long[]> append(ByteBuffer head, ByteBuffer payload) {
    long size = SegmentScanner.ENTRY_HEADER + (long) head.remaining() + payload.remaining();
    return log.append(head, payload)
        .thenApply(
            position -> {
              lastEntry = position;
              return new long[] {position, position + size};
            });
  }

  private ByteBuffer head(byte kind, Stand stand, long first, long count) {
    byte[] name = epoch.getBytes(US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(4 + name.length + 40);
    out.put(VERSION).put(kind).putShort((short) name.length).put(name);
    out.putLong(stand.forgotten).putLong(stand.delivered).putLong(stand.next);
    return out.putLong(first).putLong(count).flip();
  }

  /** Where the last entry lies that is synced: its file must stay, since it knows the numbers. */
  long lastEntry() {
    return lastEntry;
  }

  /** Whether there is a file all of whose entries lie before a position. */
  boolean canFree(long position) {
    return log.canDeleteBefore(position);
  }

  /** Deletes files that lie in a range, all of whose entries are no longer wanted. */
  void delete(long from, long to) {
    try {
      log.delete(from, to);
    } catch (DeliveryException e) {
      LOG.log(Level.WARNING, "A file of the spool stays for now: {0}", e.getMessage());
    }
  }

  /**
   * Reads chunks again, in their order, on the runner.
   *
   * @param each told the bytes of each chunk; null where they are damaged
   * @param failed told when the disk failed, and nothing more comes
   */
  void load(List<Chunk> chunks, BiConsumer<Chunk, byte @Nullable []> each, Runnable failed) {
    runner.execute(
        () -> {
          try {
            for (Chunk chunk : chunks) {
              each.accept(chunk, read(chunk));
            }
          } catch (DeliveryException e) {
            LOG.log(Level.WARNING, "The spool cannot be read now: {0}", e.getMessage());
            failed.run();
          }
        });
  }

  private byte @Nullable [] read(Chunk chunk) {
    byte[] bytes = new byte[chunk.length()];
    int at = 0;
    long expected = chunk.first;
    try (SegmentLog.Reader reader = log.reader(chunk.from)) {
      for (var raw = reader.next();
          raw != null && raw.next() <= chunk.to && expected <= chunk.last();
          raw = reader.next()) {
        Entry entry = decode(raw.payload());
        if (entry == null || entry.kind != RECORDS || entry.first != expected) {
          continue;
        }
        int separator = at == 0 && expected == chunk.first ? 0 : 1;
        int length = raw.payload().remaining() - entry.head;
        if (entry.last() > chunk.last() || at + separator + length > bytes.length) {
          return null;
        }
        if (separator == 1) {
          bytes[at++] = '\n';
        }
        raw.payload().get(raw.payload().position() + entry.head, bytes, at, length);
        at += length;
        expected = entry.last() + 1;
      }
    }
    return expected == chunk.last() + 1 && at == bytes.length ? bytes : null;
  }

  /** Syncs what was written, and lets go. */
  @Override
  public void close() {
    log.close();
  }

  private static @Nullable Entry decode(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    try {
      if (in.get() != VERSION) {
        return null;
      }
      byte kind = in.get();
      byte[] name = new byte[Short.toUnsignedInt(in.getShort())];
      in.get(name);
      String epoch = Headers.requireEpoch(new String(name, US_ASCII));
      Entry entry =
          new Entry(
              kind,
              epoch,
              new Stand(in.getLong(), in.getLong(), in.getLong()),
              in.getLong(),
              in.getLong(),
              in.position() - payload.position());
      boolean sound =
          entry.first >= 1
              && entry.count >= (kind == MARK ? 0 : 1)
              && entry.first <= Headers.MAX_NUMBER
              && entry.count <= Headers.MAX_NUMBER
              && entry.stand.next >= entry.first + entry.count
              && entry.stand.next <= Headers.MAX_NUMBER + 1
              && entry.stand.forgotten < entry.stand.next
              && entry.stand.delivered >= 0
              && entry.stand.delivered <= entry.stand.forgotten;
      return sound && kind >= RECORDS && kind <= MARK ? entry : null;
    } catch (BufferUnderflowException | DeliveryException e) {
      return null; // counted as damage by whoever misses its numbers
    }
  }

  private static String rest(ByteBuffer payload, Entry entry) {
    byte[] rest = new byte[payload.remaining() - entry.head];
    payload.get(payload.position() + entry.head, rest);
    return new String(rest, US_ASCII);
  }

  /** Finds out what a spool holds, in two passes, with little memory. */
  private static final class Survey {

    private final String address;
    private final TreeMap<Long, Chunk> gaps = new TreeMap<>();
    private @Nullable String epoch;
    private long next = 1;
    private long lowest = Long.MAX_VALUE;
    private boolean damaged;
    private long forgotten;
    private long delivered;
    private long lastEntry;

    Survey(String address) {
      this.address = address;
    }

    /** The first pass: how far it is, and which gaps there are. */
    void look(SegmentLog log) {
      try (SegmentLog.Reader reader = log.reader(0)) {
        for (var raw = reader.next(); raw != null; raw = reader.next()) {
          lastEntry = raw.position();
          Entry entry = decode(raw.payload());
          if (entry == null) {
            damaged = true;
            continue;
          }
          epoch = entry.epoch;
          next = Math.max(next, entry.stand.next);
          if (entry.stand.forgotten >= forgotten) {
            forgotten = entry.stand.forgotten;
            delivered = entry.stand.delivered;
          }
          if (entry.kind == MARK) {
            requireAddress(rest(raw.payload(), entry));
          } else if (entry.kind == GAP) {
            Chunk gap = Chunk.gap(entry.first, entry.count, rest(raw.payload(), entry));
            gap.lies(raw.position(), raw.next());
            gaps.put(entry.first, gap);
          } else {
            lowest = Math.min(lowest, entry.first);
          }
        }
        damaged |= reader.damagedBytes() > 0;
      }
    }

    private void requireAddress(String found) {
      if (!found.equals(address)) {
        throw new DeliveryException(
            REFUSED,
            "wrong-spool",
            "The spool is of %s, not of %s: give each stream a folder of its own."
                .formatted(found, address));
      }
    }

    /** The second pass: what is held. */
    Found collect(SegmentLog log, int batchBytes) {
      deduce();
      List<Chunk> chunks = new ArrayList<>();
      long expected = forgotten + 1;
      try (SegmentLog.Reader reader = log.reader(0)) {
        for (var raw = reader.next(); raw != null; raw = reader.next()) {
          Entry entry = decode(raw.payload());
          if (entry == null || entry.kind != RECORDS || entry.first < expected) {
            continue;
          }
          expected = fill(chunks, expected, entry.first);
          if (expected == entry.first && covering(expected) != null) {
            expected = fill(chunks, expected, expected + 1);
          }
          if (entry.first < expected) {
            continue; // a gap has taken its place
          }
          int length = raw.payload().remaining() - entry.head;
          Chunk chunk = Chunk.spooled(entry.first, entry.count, length, raw.position(), raw.next());
          Chunk last = chunks.isEmpty() ? null : chunks.get(chunks.size() - 1);
          if (last != null && mergeable(last, chunk, batchBytes)) {
            last.merge(chunk);
          } else {
            chunks.add(chunk);
          }
          expected = entry.last() + 1;
        }
      }
      fill(chunks, expected, next);
      return new Found(next, forgotten, delivered, chunks);
    }

    /**
     * Numbers below the first record for which there is nothing at all were deleted, unless
     * something is damaged; that is only done to what was delivered, with all that goes before.
     */
    private void deduce() {
      long uncovered = Math.min(lowest, next) - 1;
      for (Chunk gap = covering(uncovered); gap != null; gap = covering(uncovered)) {
        uncovered = gap.first - 1;
      }
      if (damaged || uncovered <= forgotten) {
        return;
      }
      for (long at = forgotten + 1; at <= uncovered; ) {
        Chunk gap = covering(at);
        Long behind = gaps.higherKey(at);
        long end =
            gap != null ? gap.last() : behind == null ? uncovered : Math.min(behind - 1, uncovered);
        delivered += gap != null ? 0 : end - at + 1;
        at = end + 1;
      }
      forgotten = uncovered;
    }

    /** Puts gaps where there are no records, up to a number; gives the next one. */
    private long fill(List<Chunk> chunks, long from, long until) {
      long at = from;
      while (at < until) {
        Chunk gap = covering(at);
        if (gap != null) {
          if (gap.first != at) { // its beginning was delivered
            Chunk rest = Chunk.gap(at, gap.last() - at + 1, String.valueOf(gap.gap()));
            rest.lies(gap.from, gap.to);
            gap = rest;
          }
          chunks.add(gap);
          at = gap.last() + 1;
        } else {
          Long behind = gaps.higherKey(at);
          long end = behind == null ? until : Math.min(until, behind);
          LOG.log(Level.ERROR, "Records {0} to {1} of the spool are damaged.", at, end - 1);
          Chunk hole = Chunk.gap(at, end - at, DAMAGED);
          hole.disk = Chunk.Disk.KEPT; // the hole itself says so
          chunks.add(hole);
          at = end;
        }
      }
      return at;
    }

    private @Nullable Chunk covering(long number) {
      Map.Entry<Long, Chunk> gap = gaps.floorEntry(number);
      return gap != null && gap.getValue().last() >= number ? gap.getValue() : null;
    }
  }

  /** Whether two chunks that lie in the spool alone may be held as one. */
  static boolean mergeable(Chunk chunk, Chunk next, int batchBytes) {
    return !chunk.isGap()
        && !next.isGap()
        && !chunk.inMemory()
        && !next.inMemory()
        && !chunk.loading
        && !chunk.gone
        && chunk.sends == 0
        && chunk.last() + 1 == next.first
        && chunk.length() + 1L + next.length() <= batchBytes;
  }

  /** How many were dropped, by reason, of what is still held. */
  static Map<String, Long> dropped(List<Chunk> chunks) {
    Map<String, Long> dropped = new LinkedHashMap<>();
    for (Chunk chunk : chunks) {
      String gap = chunk.gap();
      if (gap != null) {
        dropped.merge(gap, chunk.count(), Long::sum);
      }
    }
    return dropped;
  }
}
