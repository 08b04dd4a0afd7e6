// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Counters of one process that another one reads while it runs: a file in the memory of both, so
 * that neither writing nor reading costs a call of the system. The file holds the text {@code
 * FLGAUGES} and one long of the machine's byte order for each gauge. Safe for use by several
 * threads.
 */
public final class Gauges {

  private static final byte[] MAGIC = "FLGAUGES".getBytes(US_ASCII);
  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final ByteBuffer bytes;

  /** What is counted. */
  public enum Gauge {
    /** Records that were appended or sent. */
    MADE(0),
    /** Records that the sender knows to be stored. */
    ACKED(1),
    /** Records that the receiver has stored, or received. */
    STORED(2),
    /** Bytes of the heap that were allocated. */
    ALLOCATED(3),
    /** Connections that are up. */
    CONNECTED(4),
    /** Records that were refused when they were handed over. */
    REFUSED(5),
    /** Records that lie in the spool. */
    SPOOLED(6),
    /** Number of the last record that was found in the spool at the start. */
    RECOVERED(7),
    /** Records of quiet streams that were appended. */
    QUIET(8),
    /** Not 0 when the process has said all. */
    FINISHED(9),
    /** Not 0 when whoever measures has seen enough at full speed: set by that one. */
    ENOUGH(10),
    /** Records that were said at full speed, once all those are stored. */
    HURRIED(11),
    /**
     * Records a second from now on, where no rate was given from the start: set by who measures.
     */
    PACE(12),
    /** Rises when whoever measures wants the heap collected: set by that one. */
    COLLECT(13),
    /** Bytes of the heap that were in use after it was collected as wanted; 0 until then. */
    HEAP(14),
    /** What change of the transport is ordered: set by who measures. */
    ORDER(15),
    /** When an ordered change came about, by the steady clock; -1 when it did not. */
    SWITCHED(16),
    /** Of the records that were handed over during a change, 99 of 100 took at most this, in ns. */
    PAUSE_P99(17),
    /** The one that took longest, in ns, once the change is over. */
    PAUSE_MAX(18),
    /** When the first record that came over the new transport was stored, by the steady clock. */
    STORED_OVER(19),
    /**
     * Records a second while code is compiled, 0 for as many as can be: set by who measures. Raw
     * clients, whose code is compiled sooner, do not heed it.
     */
    EASE(20);

    private final int place;

    Gauge(int place) {
      this.place = place;
    }
  }

  private Gauges(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  /** Makes a file, or takes the one that is there. */
  public static Gauges open(Path file) throws IOException {
    int size = MAGIC.length + Gauge.values().length * Long.BYTES;
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, size);
      mapped.put(0, MAGIC);
      return new Gauges(mapped);
    }
  }

  /** What a gauge shows. */
  public long get(Gauge gauge) {
    return (long) LONGS.getAcquire(bytes, at(gauge));
  }

  /** Has a gauge show something else. */
  public void set(Gauge gauge, long value) {
    LONGS.setRelease(bytes, at(gauge), value);
  }

  /** Adds to a gauge. */
  public void add(Gauge gauge, long more) {
    var unused = (long) LONGS.getAndAdd(bytes, at(gauge), more);
  }

  private static int at(Gauge gauge) {
    return MAGIC.length + gauge.place * Long.BYTES;
  }
}
