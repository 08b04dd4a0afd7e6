// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A real file on a disk that can be full, or fail to sync. */
final class FaultyChannel extends FileChannel {

  /** What is wrong with the disk, for all files opened through it. */
  static final class Disk implements SegmentJournal.Opener {
    final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
    final AtomicBoolean failsSync = new AtomicBoolean();
    final AtomicBoolean failsTruncate = new AtomicBoolean();

    @Override
    public FileChannel open(Path file, Set<? extends OpenOption> options) throws IOException {
      return new FaultyChannel(FileChannel.open(file, options), this);
    }
  }

  private final FileChannel real;
  private final Disk disk;

  private FaultyChannel(FileChannel real, Disk disk) {
    this.real = real;
    this.disk = disk;
  }

  @Override
  public int write(ByteBuffer from, long position) throws IOException {
    long room = disk.room.get();
    if (room <= 0) {
      throw new IOException("No space left on device");
    }
    int n = (int) Math.min(from.remaining(), room);
    ByteBuffer part = from.slice(from.position(), n);
    int written = real.write(part, position);
    from.position(from.position() + written);
    disk.room.addAndGet(-written);
    return written;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    if (disk.failsSync.get()) {
      throw new IOException("Input/output error");
    }
    real.force(metaData);
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    if (disk.failsTruncate.get()) {
      throw new IOException("Input/output error");
    }
    real.truncate(size);
    return this;
  }

  @Override
  public int read(ByteBuffer into, long position) throws IOException {
    return real.read(into, position);
  }

  @Override
  public long size() throws IOException {
    return real.size();
  }

  @Override
  protected void implCloseChannel() throws IOException {
    real.close();
  }

  @Override
  public int read(ByteBuffer into) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int write(ByteBuffer from) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }
}
