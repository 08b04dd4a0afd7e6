// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.delivery.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A disk that takes down, for each record that has a time, how long after it was meant to be sent
 * it had been written: handed to the system, not yet synced. A record that is written in two pieces
 * in the middle of its number or time is left out.
 */
record TimedDisk(Disk disk, Delays delays) implements Disk {

  @Override
  public List<String> list() throws IOException {
    return disk.list();
  }

  @Override
  public Disk.File open(String name) throws IOException {
    return new TimedFile(disk.open(name), delays);
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

  private record TimedFile(Disk.File file, Delays delays) implements Disk.File {

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      byte[] written = new byte[bytes.remaining()];
      bytes.get(bytes.position(), written);
      file.append(bytes);
      long now = System.nanoTime();
      for (int at = Records.find(written, 0, written.length);
          at >= 0;
          at = Records.find(written, at + Records.markLength(), written.length)) {
        long meant = Records.nanosAt(written, at);
        if (meant > 0) {
          delays.add(now - meant);
        }
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
