// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A store's files, read as they lie on disk, for whoever recounts them: without an index, without a
 * count, and without making anything good.
 */
public final class StoreFiles {

  private StoreFiles() {}

  /** Told of the entries, in the order in which they were stored. */
  public interface Visitor {

    /** Records with consecutive numbers. */
    void records(StreamId stream, long first, List<byte[]> records) throws IOException;

    /** Numbers whose records will never come, both inclusive. */
    void gap(StreamId stream, long first, long last, String reason) throws IOException;

    /** Bytes, or an entry, that cannot be read. */
    void damaged(long bytes) throws IOException;
  }

  /**
   * Reads all of a store that nobody writes to.
   *
   * @param disk where its files lie
   * @throws dev.fairlead.delivery.DeliveryException {@code REFUSED} when somebody has it open;
   *     {@code RETRY} when the disk fails
   * @throws IOException of the visitor
   */
  public static void read(Disk disk, Visitor visitor) throws IOException {
    try (SegmentLog log = SegmentLog.open(disk, SegmentLog.Config.of("recount"));
        SegmentLog.Reader reader = log.reader(0)) {
      for (var found = reader.next(); found != null; found = reader.next()) {
        read(found.payload(), visitor);
      }
      if (reader.damagedBytes() > 0) {
        visitor.damaged(reader.damagedBytes());
      }
    }
  }

  private static void read(ByteBuffer bytes, Visitor visitor) throws IOException {
    Entry entry;
    try {
      entry = Entry.decode(bytes);
    } catch (IllegalArgumentException e) {
      visitor.damaged(bytes.remaining());
      return;
    }
    if (entry.kind() == Entry.Kind.NOTE) {
      return; // outside every numbering
    }
    StreamId stream = new StreamId(entry.address(), entry.epoch());
    if (entry.kind() == Entry.Kind.BATCH) {
      visitor.records(stream, entry.first(), entry.records());
    } else {
      byte[] reason = new byte[entry.payload().remaining()];
      entry.payload().duplicate().get(reason);
      visitor.gap(stream, entry.first(), entry.last(), new String(reason, US_ASCII));
    }
  }
}
