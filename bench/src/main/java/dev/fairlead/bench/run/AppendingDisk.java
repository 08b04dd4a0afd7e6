// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.delivery.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A disk over another, to whose files is appended in a way of its own. */
record AppendingDisk(Disk disk, Way way) implements Disk {

  /** How is appended. */
  interface Way {

    /** Appends to a file. */
    void append(Disk.File to, ByteBuffer bytes) throws IOException;
  }

  @Override
  public List<String> list() throws IOException {
    return disk.list();
  }

  @Override
  public Disk.File open(String name) throws IOException {
    return new File(disk.open(name), way);
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

  private record File(Disk.File file, Way way) implements Disk.File {

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      way.append(file, bytes);
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
