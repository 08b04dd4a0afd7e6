// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/** How long records took. Safe for use by several threads; {@link #write} ends it. */
final class Delays {

  private static final long LONGEST = TimeUnit.MINUTES.toNanos(10);
  private static final int DIGITS = 3;

  private final Recorder recorder = new Recorder(LONGEST, DIGITS);

  /**
   * Takes one.
   *
   * @param nanos how long it took; less than 0 counts as nothing
   */
  void add(long nanos) {
    recorder.recordValue(Math.min(LONGEST, Math.max(0, nanos)));
  }

  /** Writes all to a file, in HdrHistogram's own compressed form. */
  void write(Path file) throws IOException {
    Histogram all = recorder.getIntervalHistogram();
    ByteBuffer bytes = ByteBuffer.allocate(all.getNeededByteBufferCapacity());
    int length = all.encodeIntoCompressedByteBuffer(bytes);
    byte[] used = new byte[length];
    bytes.get(0, used);
    Files.write(file, used);
  }

  /** Reads what {@link #write} wrote. */
  static Histogram read(Path file) throws IOException {
    try {
      return Histogram.decodeFromCompressedByteBuffer(
          ByteBuffer.wrap(Files.readAllBytes(file)), LONGEST);
    } catch (DataFormatException e) {
      throw new IOException("No histogram: " + file, e);
    }
  }
}
