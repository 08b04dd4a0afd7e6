// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import dev.fairlead.delivery.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A real folder on a disk that can be full, or fail to sync. */
final class FaultyDisk implements Disk {

  final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
  final AtomicBoolean failsSync = new AtomicBoolean();
  private final Disk real;

  FaultyDisk(Path folder) {
    real = Disk.of(folder);
  }

  @Override
  public List<String> list() throws IOException {
    return real.list();
  }

  @Override
  public File open(String name) throws IOException {
    return new FaultyFile(real.open(name));
  }

  @Override
  public File read(String name) throws IOException {
    return real.read(name);
  }

  @Override
  public void delete(String name) throws IOException {
    real.delete(name);
  }

  @Override
  public void sync() throws IOException {
    real.sync();
  }

  @Override
  public AutoCloseable lock(String holder) throws IOException {
    return real.lock(holder);
  }

  private final class FaultyFile implements File {
    private final File file;

    FaultyFile(File file) {
      this.file = file;
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      int fits = (int) Math.min(bytes.remaining(), room.get());
      int limit = bytes.limit();
      file.append(bytes.limit(bytes.position() + fits));
      bytes.limit(limit);
      room.addAndGet(-fits);
      if (bytes.hasRemaining()) {
        throw new IOException("No space left on device");
      }
    }

    @Override
    public int read(ByteBuffer into, long offset) throws IOException {
      return file.read(into, offset);
    }

    @Override
    public void sync() throws IOException {
      if (failsSync.get()) {
        throw new IOException("Input/output error");
      }
      file.sync();
    }

    @Override
    public void truncate(long size) throws IOException {
      file.truncate(size);
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
