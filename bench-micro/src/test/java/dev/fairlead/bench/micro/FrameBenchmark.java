// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.vsock.wire.Buffers;
import dev.fairlead.transport.vsock.wire.FrameReader;
import dev.fairlead.transport.vsock.wire.FrameWriter;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A batch goes into a frame of vsock's wire, and comes out; times are for one record. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameBenchmark {

  private Message batch;
  private final Nowhere nowhere = new Nowhere();
  private final FrameWriter writer = new FrameWriter(nowhere, Buffers.take());
  private FrameReader reader;

  /** Made by JMH. */
  public FrameBenchmark() {}

  /** Makes a batch, and a frame of it. */
  @Setup
  public void begin() throws IOException, InterruptedException {
    batch = Sender.sample();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    write(new FrameWriter(Channels.newChannel(bytes), Buffers.take()), Wire.MESSAGE);
    reader = new FrameReader(new Again(bytes.toByteArray()), Buffers.take(), Wire.Side.END);
  }

  /** Into a frame. */
  @Benchmark
  @OperationsPerInvocation(Sample.RECORDS)
  public long write() throws IOException {
    write(writer, Wire.SEND);
    return nowhere.bytes;
  }

  private void write(FrameWriter to, int kind) throws IOException {
    to.begin(kind, 4 + Messages.size(batch)).put4(1);
    Messages.put(batch, to);
    to.end();
    to.flush();
  }

  /** Out of a frame. */
  @Benchmark
  @OperationsPerInvocation(Sample.RECORDS)
  public Message read() throws IOException {
    ByteBuffer body = reader.next().body();
    body.getInt();
    return Messages.read(body);
  }

  /** Takes all. */
  private static final class Nowhere implements WritableByteChannel {

    private long bytes;

    @Override
    public int write(ByteBuffer source) {
      int taken = source.remaining();
      source.position(source.limit());
      bytes += taken;
      return taken;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** Gives the same bytes again and again. */
  private static final class Again implements ReadableByteChannel {

    private final byte[] bytes;
    private int at;

    Again(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read(ByteBuffer into) {
      int part = Math.min(into.remaining(), bytes.length - at);
      into.put(bytes, at, part);
      at = (at + part) % bytes.length;
      return part;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
