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
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A disk that may be full, fail to sync, and forget in a power cut what was not synced. */
class MemoryDisk implements Disk {

  private final TreeMap<String, Content> files = new TreeMap<>();
  private @Nullable String holder;

  /** Bytes that may still be written before the disk is full. */
  long room = Long.MAX_VALUE;

  boolean syncFails;
  int syncs;

  private static final class Content {
    private byte[] bytes = new byte[512];
    private int length;
    private int synced;

    /** Its name is on the disk, too. */
    private boolean named;

    static Content of(byte[] bytes, int length) {
      Content content = new Content();
      content.bytes = Arrays.copyOf(bytes, Math.max(length, 512));
      content.length = length;
      content.synced = length;
      content.named = true;
      return content;
    }
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
  public synchronized void sync() {
    files.values().forEach(content -> content.named = true);
  }

  @Override
  public synchronized AutoCloseable lock(String who) {
    if (holder != null) {
      throw new DeliveryException(REFUSED, "held", "In use by " + holder);
    }
    holder = who;
    return () -> holder = null;
  }

  /** Whether it only says that it has synced. */
  boolean lies() {
    return false;
  }

  /** The process that had it open is gone; what it wrote is there. */
  synchronized void afterKill() {
    holder = null;
  }

  /** What survives a power cut, with so many bytes of what was not synced. */
  synchronized MemoryDisk afterPowerCut(int more) {
    MemoryDisk left = new MemoryDisk();
    files.forEach(
        (name, content) ->
            left.files.put(
                name, Content.of(content.bytes, Math.min(content.length, content.synced + more))));
    return left;
  }

  /**
   * The power is gone: of what was not synced some is there, perhaps with a hole in it; of a file
   * whose name was not synced, nothing.
   */
  synchronized void powerCut(Random random) {
    holder = null;
    files.values().removeIf(content -> !content.named && random.nextBoolean());
    for (Content content : files.values()) {
      int unsynced = content.length - content.synced;
      if (unsynced > 0) {
        content.length = content.synced + random.nextInt(unsynced + 1);
        int from = content.synced + random.nextInt(unsynced);
        int to = from + random.nextInt(unsynced);
        if (random.nextBoolean() && from < Math.min(to, content.length)) {
          Arrays.fill(content.bytes, from, Math.min(to, content.length), (byte) 0);
        }
      }
      content.synced = content.length;
      content.named = true;
    }
  }

  /** Bytes of all files. */
  synchronized long size() {
    long size = 0;
    for (Content content : files.values()) {
      size += content.length;
    }
    return size;
  }

  synchronized byte[] content(String name) {
    Content content = Objects.requireNonNull(files.get(name), name);
    return Arrays.copyOf(content.bytes, content.length);
  }

  synchronized void put(String name, byte[] bytes) {
    files.put(name, Content.of(bytes, bytes.length));
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
        int at = content.length;
        if (at + written > content.bytes.length) {
          content.bytes =
              Arrays.copyOf(content.bytes, Math.max(at + written, 2 * content.bytes.length));
        }
        bytes.get(content.bytes, at, written);
        content.length += written;
        room -= written;
        if (bytes.hasRemaining()) {
          throw new IOException("No space left on device");
        }
      }
    }

    @Override
    public int read(ByteBuffer into, long offset) {
      synchronized (MemoryDisk.this) {
        int left = (int) Math.max(0, content.length - offset);
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
        content.synced = lies() ? content.synced : content.length;
        syncs++;
      }
    }

    @Override
    public void truncate(long size) {
      synchronized (MemoryDisk.this) {
        content.length = (int) Math.min(size, content.length);
        content.synced = Math.min(content.synced, content.length);
      }
    }

    @Override
    public long size() {
      synchronized (MemoryDisk.this) {
        return content.length;
      }
    }

    @Override
    public void close() {}
  }
}
