// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.Upload;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The uploads that are under way, of which there are only so many: one that nobody has written to
 * for a minute gives way to another.
 *
 * <p>Safe for use by several threads: uploads are begun with the agent's lock held, and each goes
 * on in its uploader's thread, which takes the agent's lock after the upload's own.
 */
final class Uploads {

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Artefacts artefacts;
  private final int most;
  private final LongSupplier nanoTime;

  /** Guarded by itself; nothing is waited for with its monitor held. */
  private final Set<FileUpload> underWay = new HashSet<>();

  /**
   * What has been uploaded.
   *
   * @param sha3 SHA3-256 of its contents, in lower-case hex
   */
  record Arrived(Path file, long bytes, String sha3) {}

  /**
   * Makes room for some.
   *
   * @param most at once
   * @param nanoTime a clock that never goes back
   */
  Uploads(Artefacts artefacts, int most, LongSupplier nanoTime) {
    this.artefacts = artefacts;
    this.most = most;
    this.nanoTime = nanoTime;
  }

  /**
   * Begins one; for one thread at a time.
   *
   * @param limit the most bytes
   * @param taker called once, by the uploader's thread, when all is here; where it throws, what has
   *     come is removed
   * @throws AgentException {@code BUSY}; {@code INTERNAL} when the disk does not take it
   */
  Upload begin(long limit, Consumer<Arrived> taker) {
    long now = nanoTime.getAsLong();
    if (all().size() >= most) {
      // Whoever went away without a word must not keep the others out.
      all().forEach(old -> old.closeIfIdle(now));
    }
    if (all().size() >= most) {
      throw new AgentException(
          Reason.BUSY,
          "too-many-uploads",
          "There are %d uploads under way; try again when one has ended.".formatted(most));
    }
    FileUpload upload = new FileUpload(artefacts.begin(limit), taker, now);
    synchronized (underWay) {
      underWay.add(upload);
    }
    return upload;
  }

  /** Ends all; waits for what is being written. Never called with the agent's lock held. */
  void end() {
    all().forEach(FileUpload::close);
  }

  private List<FileUpload> all() {
    synchronized (underWay) {
      return List.copyOf(underWay);
    }
  }

  private final class FileUpload implements Upload {

    private final Artefacts.Incoming incoming;
    private final Consumer<Arrived> taker;
    private volatile long lastNanos;

    /** Taken before the agent's lock, or tried: never waited for with that lock held. */
    private final ReentrantLock turn = new ReentrantLock();

    private boolean over;

    FileUpload(Artefacts.Incoming incoming, Consumer<Arrived> taker, long nanos) {
      this.incoming = incoming;
      this.taker = taker;
      this.lastNanos = nanos;
    }

    @Override
    public void write(ByteBuffer bytes) {
      turn.lock();
      try {
        requireOpen();
        lastNanos = nanoTime.getAsLong();
        boolean taken = false;
        try {
          incoming.write(bytes);
          taken = true;
        } finally {
          if (!taken) {
            close();
          }
        }
      } finally {
        turn.unlock();
      }
    }

    @Override
    public String complete() {
      turn.lock();
      try {
        return arrive();
      } finally {
        turn.unlock();
      }
    }

    private String arrive() {
      try {
        requireOpen();
        String sha3 = incoming.finish();
        taker.accept(new Arrived(incoming.file(), incoming.size(), sha3));
        incoming.keep();
        return sha3;
      } finally {
        close();
      }
    }

    @Override
    public void close() {
      turn.lock();
      try {
        if (!over) {
          over = true;
          synchronized (underWay) {
            underWay.remove(this);
          }
          incoming.close();
        }
      } finally {
        turn.unlock();
      }
    }

    void closeIfIdle(long now) {
      if (now - lastNanos > IDLE_NANOS && turn.tryLock()) {
        try {
          close();
        } finally {
          turn.unlock();
        }
      }
    }

    private void requireOpen() {
      if (over) {
        throw new AgentException(
            Reason.WRONG_STATE, "upload-ended", "The upload has ended; begin it anew.");
      }
    }
  }
}
