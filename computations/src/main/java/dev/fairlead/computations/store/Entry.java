// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/**
 * One entry of the store, version 1. Big-endian; the log under it adds length and checksum, so that
 * what is read here is what was written, or nothing.
 *
 * <pre>
 *  1 byte   version: 1
 *  1 byte   kind: 1 batch, 2 gap, 3 note
 *  2 bytes  length n of the address, n bytes ASCII: fleet/123/up/logs
 *  2 bytes  length n of the epoch, n bytes ASCII; n = 0 for a note
 *  8 bytes  number of the first record, from 1; 0 for a note
 *  8 bytes  how many records: of a batch those it holds, of a gap those that are lost, of a note 1
 *  8 bytes  when it came, by this host's clock, in milliseconds since 1970 UTC
 *  rest     batch: the records, joined by line feeds; gap: the reason, ASCII; note: one line
 * </pre>
 *
 * A reader that meets another version or kind skips the entry and counts it.
 *
 * @param kind what it is
 * @param address to which it was sent
 * @param epoch the stream's numbering; empty for a note
 * @param first number of the first record
 * @param count how many records
 * @param received when it came, in whole milliseconds
 * @param payload between position and limit, which nobody moves
 */
record Entry(
    Kind kind,
    String address,
    String epoch,
    long first,
    long count,
    Instant received,
    ByteBuffer payload) {

  private static final byte VERSION = 1;
  private static final int HEAD = 1 + 1 + 2 + 2 + 8 + 8 + 8;

  /** What an entry is. */
  enum Kind {
    /** Records, as the sender made them. */
    BATCH((byte) 1),
    /** Records that are lost, and why. */
    GAP((byte) 2),
    /** A line of this service's own, outside every numbering. */
    NOTE((byte) 3);

    private final byte code;

    Kind(byte code) {
      this.code = code;
    }

    static Kind of(byte code) {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      throw new IllegalArgumentException("There is no kind %d of entry.".formatted(code));
    }
  }

  Entry {
    requireNonNull(kind, "kind is null");
    requireNonNull(address, "address is null");
    requireNonNull(epoch, "epoch is null");
    requireNonNull(received, "received is null");
    requireNonNull(payload, "payload is null");
  }

  /** How many lines it gives its own party's readers: a gap is shown as one. */
  int lines() {
    return kind == Kind.BATCH ? Math.toIntExact(count) : 1;
  }

  /** Copies of its records, as many as it says it has; none but for a batch. */
  List<byte[]> records() {
    List<byte[]> records = new ArrayList<>();
    if (kind == Kind.BATCH) {
      byte[] all = rest();
      int from = 0;
      for (int i = 0; i <= all.length && records.size() < count; i++) {
        if (i == all.length || all[i] == '\n') {
          records.add(Arrays.copyOfRange(all, from, i));
          from = i + 1;
        }
      }
      while (records.size() < count) {
        records.add(new byte[0]);
      }
    }
    return records;
  }

  /** What its own stream's readers see: records as they came, a gap as one line that says so. */
  List<byte[]> shown() {
    return switch (kind) {
      case BATCH -> records();
      case NOTE -> List.of(rest());
      case GAP ->
          List.of(
              GapLine.of(
                  address,
                  epoch,
                  first,
                  OptionalLong.of(last()),
                  new String(rest(), US_ASCII),
                  received));
    };
  }

  /** Number of the last record. */
  long last() {
    return first + count - 1;
  }

  private byte[] rest() {
    byte[] rest = new byte[payload.remaining()];
    payload.duplicate().get(rest);
    return rest;
  }

  /** Everything but the payload, which follows it. */
  ByteBuffer head() {
    byte[] addressBytes = address.getBytes(US_ASCII);
    byte[] epochBytes = epoch.getBytes(US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(HEAD + addressBytes.length + epochBytes.length);
    out.put(VERSION).put(kind.code);
    out.putShort((short) addressBytes.length).put(addressBytes);
    out.putShort((short) epochBytes.length).put(epochBytes);
    return out.putLong(first).putLong(count).putLong(received.toEpochMilli()).flip();
  }

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException when it is none that this version can read
   */
  static Entry decode(ByteBuffer bytes) {
    ByteBuffer in = bytes.duplicate();
    try {
      byte version = in.get();
      if (version != VERSION) {
        throw new IllegalArgumentException(
            "The entry is of version %d; this is %d.".formatted(version, VERSION));
      }
      Kind kind = Kind.of(in.get());
      String address = text(in);
      String epoch = text(in);
      long first = in.getLong();
      long count = in.getLong();
      Instant received = Instant.ofEpochMilli(in.getLong());
      return new Entry(kind, address, epoch, first, count, received, in.slice());
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("The entry is cut off.", e);
    }
  }

  private static String text(ByteBuffer in) {
    byte[] text = new byte[Short.toUnsignedInt(in.getShort())];
    in.get(text);
    return new String(text, US_ASCII);
  }
}
