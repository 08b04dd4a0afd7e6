// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A folder of the machine. */
final class FolderDisk implements Disk {

  private static final String LOCK = "lock";
  private static final int MAX_HOLDER = 256;

  private final Path folder;

  FolderDisk(Path folder) {
    this.folder = folder;
  }

  @Override
  public List<String> list() throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Override
  public File open(String name) throws IOException {
    Files.createDirectories(folder);
    FileChannel channel = FileChannel.open(folder.resolve(name), CREATE, READ, WRITE);
    return new ChannelFile(channel, channel.size());
  }

  @Override
  public File read(String name) throws IOException {
    FileChannel channel = FileChannel.open(folder.resolve(name), READ);
    return new ChannelFile(channel, channel.size());
  }

  @Override
  public void delete(String name) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
  }

  @Override
  public void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(folder, READ)) {
      channel.force(true);
    }
  }

  @Override
  public AutoCloseable lock(String holder) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve(LOCK);
    FileChannel channel = FileChannel.open(file, CREATE, READ, WRITE);
    FileLock lock = tryLock(channel);
    if (lock == null) {
      channel.close();
      byte[] name = Files.readAllBytes(file);
      throw new DeliveryException(
          REFUSED,
          "held",
          "The folder %s is in use by %s: only one may write there; stop it first."
              .formatted(folder, new String(name, UTF_8).strip()));
    }
    byte[] name = holder.getBytes(UTF_8);
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(name, 0, Math.min(name.length, MAX_HOLDER)), 0);
    return channel;
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held within this process
    }
  }

  /** A file; the channel is its to close. */
  static final class ChannelFile implements File {

    private final FileChannel channel;
    private final Object syncing = new Object();
    private long end;

    /** The system tells of a failed write once; whoever syncs after that must learn of it too. */
    private @Nullable IOException failed;

    ChannelFile(FileChannel channel, long end) {
      this.channel = channel;
      this.end = end;
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        end += channel.write(bytes, end);
      }
    }

    @Override
    public int read(ByteBuffer into, long offset) throws IOException {
      return channel.read(into, offset);
    }

    @Override
    public void sync() throws IOException {
      synchronized (syncing) {
        if (failed != null) {
          throw new IOException(failed.getMessage(), failed);
        }
        try {
          channel.force(false);
        } catch (IOException e) {
          failed = e;
          throw e;
        }
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      channel.truncate(size);
      end = size;
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
