// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderDiskTest {

  @TempDir Path folder;

  @Test
  void aSyncThatFailedOnceFailsForEver() throws IOException {
    FlakyChannel channel =
        new FlakyChannel(FileChannel.open(folder.resolve("f"), CREATE, READ, WRITE));
    try (Disk.File file = new FolderDisk.ChannelFile(channel, 0)) {
      file.append(ByteBuffer.wrap("abc".getBytes(UTF_8)));
      file.sync();
      channel.failNext = true;
      assertThatThrownBy(file::sync).isInstanceOf(IOException.class).hasMessage("It is worn out.");
      assertThatThrownBy(file::sync)
          .as("the system says it once, and what it did not write is not there")
          .isInstanceOf(IOException.class)
          .hasMessage("It is worn out.");
      assertThat(channel.forced).as("and it is not asked again").isEqualTo(2);
      assertThat(file.size()).isEqualTo(3);
    }
  }

  /** The file's channel, but a sync may fail once, as the system tells of a failed write once. */
  private static final class FlakyChannel extends FileChannel {

    private final FileChannel real;
    boolean failNext;
    int forced;

    FlakyChannel(FileChannel real) {
      this.real = real;
    }

    @Override
    public void force(boolean metaData) throws IOException {
      forced++;
      if (failNext) {
        failNext = false;
        throw new IOException("It is worn out.");
      }
      real.force(metaData);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      return real.read(into);
    }

    @Override
    public long read(ByteBuffer[] into, int offset, int length) throws IOException {
      return real.read(into, offset, length);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      return real.write(from);
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) throws IOException {
      return real.write(from, offset, length);
    }

    @Override
    public long position() throws IOException {
      return real.position();
    }

    @Override
    public FileChannel position(long position) throws IOException {
      real.position(position);
      return this;
    }

    @Override
    public long size() throws IOException {
      return real.size();
    }

    @Override
    public FileChannel truncate(long size) throws IOException {
      real.truncate(size);
      return this;
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel to) throws IOException {
      return real.transferTo(position, count, to);
    }

    @Override
    public long transferFrom(ReadableByteChannel from, long position, long count)
        throws IOException {
      return real.transferFrom(from, position, count);
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
      return real.read(into, position);
    }

    @Override
    public int write(ByteBuffer from, long position) throws IOException {
      return real.write(from, position);
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
      return real.map(mode, position, size);
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) throws IOException {
      return real.lock(position, size, shared);
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) throws IOException {
      return real.tryLock(position, size, shared);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      real.close();
    }
  }
}
