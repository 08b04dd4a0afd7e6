// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.lang.System.Logger.Level.ERROR;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.fairlead.agent.run.Digests;
import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes newer versions of transports' bundles when it is told to: only those whose digest is among
 * the VM's measured facts. The bytes are asked for piece by piece, at the agent's own address, and
 * hashed before anybody looks into them; then whoever changes bundles in this framework does it.
 * One at a time, in a thread of its own.
 *
 * <p>{@link #obey} and {@link #list} are called by one thread at a time and do not block, the rest
 * by any.
 */
final class BundleIntake implements AutoCloseable {

  /** What its events are called. */
  static final String EVENT = "BundleChange";

  private static final System.Logger log = System.getLogger(BundleIntake.class.getName());

  /** A link that is away comes back meanwhile, or does not. */
  private static final Duration PIECE = Duration.ofSeconds(60);

  private static final Duration ALL_PIECES = Duration.ofMinutes(5);

  private final Set<String> measured;
  private final Path folder;
  private final Supplier<@Nullable BundleUpdater> updater;
  private final Asking asking;
  private final Teller teller;
  private final LongSupplier nanos;
  private final AtomicBoolean underWay = new AtomicBoolean();
  private volatile @Nullable Thread thread;
  private volatile boolean closed;

  /** Asks whoever gave the command. */
  @FunctionalInterface
  interface Asking {
    /**
     * Never blocks.
     *
     * @return completes with the answer; fails where none comes within the patience
     */
    CompletionStage<byte[]> ask(BundleRequest request, Duration patience);
  }

  /** Tells of an outcome, once it is there; called by several threads. */
  @FunctionalInterface
  interface Teller {
    void tell(Command.Bundle order, BundleRequest.Outcome outcome);
  }

  /**
   * Makes one.
   *
   * @param measured the digests that may come in
   * @param folder for jars, nobody else's; made when it is needed
   * @param updater finds whoever changes bundles here; null where there is nobody yet
   */
  BundleIntake(
      List<String> measured,
      Path folder,
      Supplier<@Nullable BundleUpdater> updater,
      Asking asking,
      Teller teller,
      LongSupplier nanos) {
    this.measured = Set.copyOf(measured);
    this.folder = folder;
    this.updater = updater;
    this.asking = asking;
    this.teller = teller;
    this.nanos = nanos;
  }

  /** Whether a bundle is just being changed. */
  boolean isUnderWay() {
    return underWay.get();
  }

  /**
   * Begins what is ordered, or says why not.
   *
   * @param busy whether the transport is just being changed for another reason
   */
  void obey(Command.Bundle order, boolean busy) {
    if (!measured.contains(order.sha256())) {
      refuse(
          order,
          "not-measured",
          "The digest %s is not among the %d that this guest's measured facts name."
              .formatted(order.sha256(), measured.size()));
    } else if (updater.get() == null) {
      refuse(order, "no-updater", "Nothing in this guest changes bundles yet: ask again.");
    } else if (busy || !underWay.compareAndSet(false, true)) {
      refuse(
          order,
          "change-under-way",
          "A bundle or the transport is just being changed: ask again when that is done.");
    } else {
      Thread begun = new Thread(() -> take(order), "fairlead-agent-bundle");
      begun.setDaemon(true);
      thread = begun;
      begun.start();
    }
  }

  /** Says which bundles there are. */
  void list(Command.Bundles order) {
    BundleUpdater now = updater.get();
    List<BundleUpdater.Standing> standing = now == null ? List.of() : now.list();
    var unused =
        asking.ask(
            new BundleRequest.Listing(
                order.id(),
                standing.stream()
                    .map(
                        one ->
                            new BundleRequest.Listing.Standing(
                                one.bundle(), one.version(), one.state()))
                    .toList()),
            PIECE); // whoever wants to know asks again
  }

  private void refuse(Command.Bundle order, String code, String message) {
    teller.tell(order, new BundleRequest.Outcome(order.id(), false, code, message, null, 0, 0));
  }

  private void take(Command.Bundle order) {
    BundleRequest.Outcome outcome;
    try {
      outcome = change(order);
    } finally {
      underWay.set(false); // first: who hears of the end may order the next
    }
    if (!closed) {
      teller.tell(order, outcome);
    }
  }

  private BundleRequest.Outcome change(Command.Bundle order) {
    long began = nanos.getAsLong();
    Path jar = folder.resolve("coming.jar");
    try {
      fetch(order, jar);
      BundleUpdater.Outcome done =
          updater()
              .update(
                  new BundleUpdater.Order(order.bundle(), order.version(), order.sha256(), jar),
                  measured,
                  folder);
      return new BundleRequest.Outcome(
          order.id(), true, null, null, done.from(), done.othersRefreshed(), since(began));
    } catch (DeliveryException e) {
      return failed(order, e.code(), e, began);
    } catch (IOException e) {
      return failed(order, "not-staged", e, began);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failed(order, "closing", e, began);
    } catch (RuntimeException | Error e) {
      // The new version's code runs here: whatever it throws belongs to who ordered it.
      log.log(ERROR, "A bundle was not changed, in a way that nobody foresaw.", e);
      return failed(order, "internal", e, began);
    } finally {
      remove(jar);
    }
  }

  private BundleUpdater updater() {
    BundleUpdater now = updater.get();
    if (now == null) {
      throw new DeliveryException(RETRY, "no-updater", "Nothing in this guest changes bundles.");
    }
    return now;
  }

  private BundleRequest.Outcome failed(
      Command.Bundle order, String code, Throwable why, long began) {
    return new BundleRequest.Outcome(
        order.id(), false, code, String.valueOf(why.getMessage()), null, 0, since(began));
  }

  private long since(long began) {
    return Duration.ofNanos(nanos.getAsLong() - began).toMillis();
  }

  private void fetch(Command.Bundle order, Path jar) throws IOException, InterruptedException {
    long deadline = nanos.getAsLong() + ALL_PIECES.toNanos();
    MessageDigest digest = Digests.sha2();
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    try (OutputStream out = Files.newOutputStream(jar, CREATE, WRITE, TRUNCATE_EXISTING)) {
      long at = 0;
      while (at < order.size()) {
        BundleRequest.Piece piece = new BundleRequest.Piece(order.id(), at);
        byte[] bytes = ask(piece, deadline);
        if (bytes.length != piece.length(order.size())) {
          throw new DeliveryException(
              BROKEN,
              "bad-piece",
              bytes.length == 0
                  ? "The jar is not given out any more: order it anew."
                  : "A piece has %d bytes, and should have %d."
                      .formatted(bytes.length, piece.length(order.size())));
        }
        digest.update(bytes);
        out.write(bytes);
        at += bytes.length;
      }
    }
    if (!Arrays.equals(digest.digest(), HexFormat.of().parseHex(order.sha256()))) {
      throw new DeliveryException(
          REFUSED, "wrong-digest", "What came is not the jar whose digest was ordered.");
    }
  }

  private byte[] ask(BundleRequest.Piece piece, long deadline) throws InterruptedException {
    long left = Math.min(PIECE.toNanos(), deadline - nanos.getAsLong());
    try {
      return asking
          .ask(piece, Duration.ofNanos(Math.max(1, left)))
          .toCompletableFuture()
          .get(Math.max(1, left), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new DeliveryException(
          RETRY, "not-fetched", "No piece of the jar came in time: order it again.", e);
    }
  }

  private static void remove(Path jar) {
    try {
      Files.deleteIfExists(jar);
    } catch (IOException e) {
      log.log(ERROR, "A jar that is of no more use stays: " + jar, e); // the next takes its place
    }
  }

  /** Gives up what is still being fetched. Idempotent. */
  @Override
  public void close() {
    closed = true;
    Thread begun = thread;
    if (begun != null) {
      begun.interrupt();
    }
  }
}
