// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.delivery.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A disk that takes no more than so much in a second: the consumer behind it is slow.
 *
 * @param bytesPerSecond more than 0
 */
record SlowDisk(Disk disk, long bytesPerSecond) implements Disk {

  @Override
  public List<String> list() throws IOException {
    return disk.list();
  }

  @Override
  public Disk.File open(String name) throws IOException {
    return new SlowFile(disk.open(name), bytesPerSecond);
  }

  @Override
  public Disk.File read(String name) throws IOException {
    return disk.read(name);
  }

  @Override
  public void delete(String name) throws IOException {
    disk.delete(name);
  }

  @Override
  public void sync() throws IOException {
    disk.sync();
  }

  @Override
  public AutoCloseable lock(String holder) throws IOException {
    return disk.lock(holder);
  }

  private record SlowFile(Disk.File file, long bytesPerSecond) implements Disk.File {

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      long until = System.nanoTime() + (long) (bytes.remaining() * 1e9 / bytesPerSecond);
      file.append(bytes);
      for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
    }

    @Override
    public int read(ByteBuffer into, long offset) throws IOException {
      return file.read(into, offset);
    }

    @Override
    public void sync() throws IOException {
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
