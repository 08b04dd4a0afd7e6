// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.run.Digests;
import dev.fairlead.agent.run.FileTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A directory for what is uploaded, with a bound on all of it. Safe for use by several threads. */
final class Artefacts {

  private static final System.Logger log = System.getLogger(Artefacts.class.getName());

  private final Path directory;
  private final long mostBytes;
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicInteger names = new AtomicInteger();

  /**
   * Makes one; what an earlier agent left there is removed.
   *
   * @param mostBytes of everything that is kept here at once
   */
  Artefacts(Path directory, long mostBytes) throws IOException {
    this.directory = directory;
    this.mostBytes = mostBytes;
    clear();
  }

  /** Removes everything. */
  void clear() throws IOException {
    FileTrees.delete(directory);
    Files.createDirectories(directory);
    bytes.set(0);
  }

  /** A name in this directory that nothing has. */
  Path fresh(String prefix) {
    return directory.resolve(prefix + "-" + names.incrementAndGet());
  }

  /**
   * Begins a file.
   *
   * @param limit the most bytes of this one
   * @throws AgentException {@code INTERNAL} when the disk does not take it
   */
  Incoming begin(long limit) {
    Path file = fresh("upload");
    try {
      return new Incoming(
          file,
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
          limit);
    } catch (IOException e) {
      throw disk(e);
    }
  }

  /** A file on its way in. For one thread at a time. */
  final class Incoming {

    private final Path file;
    private final FileChannel channel;
    private final long limit;
    private final MessageDigest digest = Digests.sha3();
    private long size;
    private boolean kept;
    private boolean closed;

    private Incoming(Path file, FileChannel channel, long limit) {
      this.file = file;
      this.channel = channel;
      this.limit = limit;
    }

    void write(ByteBuffer source) {
      int count = source.remaining();
      if (count > limit - size) {
        throw new AgentException(
            Reason.TOO_LARGE,
            "too-large",
            "The upload has more than %d bytes; that is the most.".formatted(limit));
      }
      if (bytes.addAndGet(count) > mostBytes) {
        bytes.addAndGet(-count);
        throw new AgentException(
            Reason.TOO_LARGE,
            "no-space",
            "All uploads together have more than %d bytes; give the VM more memory."
                .formatted(mostBytes));
      }
      size += count;
      digest.update(source.duplicate());
      try {
        while (source.hasRemaining()) {
          channel.write(source);
        }
      } catch (IOException e) {
        throw disk(e);
      }
    }

    /** Ends it, and gives its SHA3-256 in lower-case hex; once only. */
    String finish() {
      try {
        channel.close();
      } catch (IOException e) {
        throw disk(e);
      }
      return HexFormat.of().formatHex(digest.digest());
    }

    Path file() {
      return file;
    }

    /** In bytes, so far. */
    long size() {
      return size;
    }

    /** Keeps the file: whoever takes it removes it. */
    void keep() {
      kept = true;
    }

    /**
     * Removes the file unless it is kept; one that stays counts as long as it is there. Idempotent.
     */
    void close() {
      if (closed || kept) {
        return;
      }
      closed = true;
      try (channel) {
        Files.deleteIfExists(file);
        bytes.addAndGet(-size);
      } catch (IOException e) {
        // Whoever ends an upload has another error to hear of, or none.
        log.log(WARNING, "What was uploaded in part stays until all is removed: " + file, e);
      }
    }
  }

  private static AgentException disk(IOException e) {
    return new AgentException(
        Reason.INTERNAL, "disk", "The agent's disk does not take the upload; it may be full.", e);
  }
}
