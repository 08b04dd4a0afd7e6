// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A disk that may be full, fail to sync, and forget in a power cut what was not synced. */
final class MemoryDisk implements Disk {

  private final TreeMap<String, Content> files = new TreeMap<>();
  private @Nullable String holder;

  /** Bytes that may still be written before the disk is full. */
  long room = Long.MAX_VALUE;

  boolean syncFails;
  int syncs;

  private static final class Content {
    private byte[] bytes = new byte[0];
    private int synced;
  }

  @Override
  public synchronized List<String> list() {
    return List.copyOf(files.keySet());
  }

  @Override
  public synchronized File open(String name) {
    return new Handle(files.computeIfAbsent(name, any -> new Content()));
  }

  @Override
  public synchronized File read(String name) throws IOException {
    Content content = files.get(name);
    if (content == null) {
      throw new NoSuchFileException(name);
    }
    return new Handle(content);
  }

  @Override
  public synchronized void delete(String name) {
    files.remove(name);
  }

  @Override
  public void sync() {}

  @Override
  public synchronized AutoCloseable lock(String who) {
    if (holder != null) {
      throw new DeliveryException(REFUSED, "held", "In use by " + holder);
    }
    holder = who;
    return () -> holder = null;
  }

  /** What survives a power cut, with so many bytes of what was not synced. */
  synchronized MemoryDisk afterPowerCut(int more) {
    MemoryDisk left = new MemoryDisk();
    files.forEach(
        (name, content) -> {
          Content kept = new Content();
          int length = Math.min(content.bytes.length, content.synced + more);
          kept.bytes = Arrays.copyOf(content.bytes, length);
          kept.synced = length;
          left.files.put(name, kept);
        });
    return left;
  }

  /** Bytes of all files. */
  synchronized long size() {
    return files.values().stream().mapToLong(content -> content.bytes.length).sum();
  }

  synchronized byte[] content(String name) {
    return Objects.requireNonNull(files.get(name), name).bytes.clone();
  }

  synchronized void put(String name, byte[] bytes) {
    Content content = new Content();
    content.bytes = bytes.clone();
    content.synced = bytes.length;
    files.put(name, content);
  }

  synchronized List<String> names() {
    return new ArrayList<>(files.keySet());
  }

  private final class Handle implements File {

    private final Content content;

    Handle(Content content) {
      this.content = content;
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      synchronized (MemoryDisk.this) {
        int written = (int) Math.min(room, bytes.remaining());
        int at = content.bytes.length;
        content.bytes = Arrays.copyOf(content.bytes, at + written);
        bytes.get(content.bytes, at, written);
        room -= written;
        if (bytes.hasRemaining()) {
          throw new IOException("No space left on device");
        }
      }
    }

    @Override
    public int read(ByteBuffer into, long offset) {
      synchronized (MemoryDisk.this) {
        int left = (int) Math.max(0, content.bytes.length - offset);
        int length = Math.min(left, into.remaining());
        if (left == 0) {
          return -1;
        }
        into.put(content.bytes, (int) offset, length);
        return length;
      }
    }

    @Override
    public void sync() throws IOException {
      synchronized (MemoryDisk.this) {
        if (syncFails) {
          throw new IOException("Input/output error");
        }
        content.synced = content.bytes.length;
        syncs++;
      }
    }

    @Override
    public void truncate(long size) {
      synchronized (MemoryDisk.this) {
        content.bytes = Arrays.copyOf(content.bytes, (int) size);
        content.synced = Math.min(content.synced, (int) size);
      }
    }

    @Override
    public long size() {
      synchronized (MemoryDisk.this) {
        return content.bytes.length;
      }
    }

    @Override
    public void close() {}
  }
}
