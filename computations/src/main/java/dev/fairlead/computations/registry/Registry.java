// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static dev.fairlead.computations.ComputationException.Category.BROKEN;
import static dev.fairlead.computations.ComputationException.Category.REFUSED;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.protocol.Manifest;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What is known of each computation. Every change is one transaction that also raises the revision,
 * and is on disk when the method returns. Credentials themselves are never written here, only their
 * digests.
 *
 * <p>Here is what may be changed, by whom, and what changes together; {@link Database} does it, and
 * a class for each table knows the rows.
 *
 * <p>Safe for use by several threads. Methods block for as long as the database takes. A database
 * that fails shows as a {@link ComputationException}, {@code RETRY}, code {@code
 * registry-unavailable}; an id that is not known as {@code REFUSED}, code {@code
 * unknown-computation}.
 */
public final class Registry {

  /** The most bytes of a manifest. */
  public static final int MAX_MANIFEST = Manifest.MAX_BYTES;

  /** The most epochs that are kept for one run: each is a restart of the agent inside its VM. */
  public static final int MAX_EPOCHS = 64;

  private static final int MAX_ID = 64;

  private final Database database;

  private Registry(Database database) {
    this.database = database;
  }

  /**
   * Opens the registry, and brings its schema up to date.
   *
   * @param database where it lies; asked for a connection at each call
   * @param sync a statement that brings what was committed to the disk, for a database that does
   *     not do so by itself; empty for one that does
   * @throws ComputationException {@code BROKEN}, code {@code registry-unusable}, when the schema is
   *     newer than this version or cannot be made
   */
  public static Registry open(DataSource database, String sync, InstantSource clock) {
    Database opened = new Database(database, sync, clock);
    try {
      opened.migrate();
      return new Registry(opened);
    } catch (SQLException e) {
      throw new ComputationException(
          BROKEN,
          "registry-unusable",
          "The registry cannot be opened: %s Is another service using it?"
              .formatted(e.getMessage()),
          e);
    }
  }

  /**
   * Registers a computation under the id that it wants, or, while a VM of that id has not ended,
   * under the next free one: {@code 123}, {@code 123-2}, {@code 123-3}. An id whose VM has ended is
   * given again, as a new run.
   *
   * @param wantedId one segment of an address, not beginning with {@code _}
   * @param manifest 1 to {@link #MAX_MANIFEST} bytes, kept exactly
   * @param digest of the manifest by the public contract, 64 hex digits
   * @return the computation with its new run; the same as before for a request seen before
   */
  public Computation register(Request request, String wantedId, byte[] manifest, String digest) {
    if (manifest.length == 0 || manifest.length > MAX_MANIFEST) {
      throw new ComputationException(
          REFUSED,
          "manifest-too-large",
          "The manifest has %d bytes; between 1 and %d are possible."
              .formatted(manifest.length, MAX_MANIFEST));
    }
    return database.change(
        session -> {
          Optional<Computation> before = RequestTable.repeated(session, request, "register");
          if (before.isPresent()) {
            return before.get();
          }
          String sha256 = ManifestTable.keep(session, manifest);
          for (int suffix = 1; ; suffix++) {
            String id = candidate(wantedId, suffix);
            Optional<Computation> taken = RunTable.newest(session, id);
            if (taken.isPresent() && taken.get().run().vm() != VmState.ENDED) {
              continue;
            }
            if (taken.isEmpty()) {
              RunTable.add(session, id, wantedId);
            }
            int number = taken.isPresent() ? taken.get().run().number() + 1 : 1;
            RunTable.begin(session, id, number, request.host(), digest, sha256);
            RequestTable.note(session, request, "register", id, number);
            return require(session, id);
          }
        });
  }

  /**
   * Begins a new run of a computation whose VM has ended, with the manifest it had.
   *
   * @return the computation with its new run; the same as before for a request seen before
   * @throws ComputationException {@code REFUSED} with code {@code not-your-computation} when
   *     another manager has it; {@code vm-not-ended} while the VM of the run before has not ended
   */
  public Computation renew(Request request, String id) {
    return database.change(
        session -> {
          Optional<Computation> before = RequestTable.repeated(session, request, "renew");
          if (before.isPresent()) {
            return before.get();
          }
          Run last = owned(session, request, id).run();
          if (last.vm() != VmState.ENDED) {
            throw new ComputationException(
                REFUSED,
                "vm-not-ended",
                "Run %d of %s has a VM whose end was not reported: report it, then renew."
                    .formatted(last.number(), id));
          }
          int number = last.number() + 1;
          RunTable.begin(session, id, number, request.host(), last.digest(), last.manifestSha256());
          RequestTable.note(session, request, "renew", id, number);
          return require(session, id);
        });
  }

  /**
   * Writes down that the VM of the newest run has ended. What was written down first stays.
   *
   * @param kind what it means, cut after 64 characters
   * @param reason the hypervisor's own word, cut after 256 characters
   * @return the computation, at the run that ended
   * @throws ComputationException {@code REFUSED}, code {@code not-your-computation}, when another
   *     manager has it
   */
  public Computation ended(Request request, String id, String kind, String reason) {
    return database.change(
        session -> {
          Optional<Computation> before = RequestTable.repeated(session, request, "ended");
          if (before.isPresent()) {
            return before.get();
          }
          Run run = owned(session, request, id).run();
          RequestTable.note(session, request, "ended", id, run.number());
          RunTable.end(session, id, run.number(), kind, reason);
          return require(session, id);
        });
  }

  /**
   * Writes down what became of an agent. Does nothing for a run that is over.
   *
   * @param run the run it was seen in
   * @param lastHeard when it was last heard of; null keeps what was written before
   */
  public void agent(String id, int run, AgentState state, @Nullable Instant lastHeard) {
    database.apply(
        session -> {
          RunTable.agent(session, id, run, state, lastHeard);
          if (state == AgentState.CONNECTED) {
            RunTable.booted(session, id, run);
          }
        });
  }

  /** Writes down the newest credential of a run. */
  public void credential(String id, int run, String sha256, Instant expiresAt) {
    database.apply(session -> RunTable.credential(session, id, run, sha256, expiresAt));
  }

  /** Writes down where a run's lines begin among those of all runs, from 1. */
  public void firstLines(String id, int run, long logs, long events) {
    database.apply(session -> RunTable.firstLines(session, id, run, logs, events));
  }

  /** Writes down that all credentials of a run were revoked. */
  public void revoked(String id, int run) {
    database.apply(session -> RunTable.revoked(session, id, run));
  }

  /**
   * The computations whose VM has ended while their credentials were not revoked yet: what a broker
   * that was away, or this service's own end, has left to do.
   */
  public List<Computation> toRevoke() {
    return database.read(RunTable::toRevoke);
  }

  /** Runs whose VM ended before a time, and whose streams were not closed yet. */
  public List<Computation> toClose(Instant before) {
    return database.read(session -> RunTable.toClose(session, before));
  }

  /** Writes down that the streams of a run were closed. */
  public void closed(String id, int run) {
    database.apply(session -> RunTable.closed(session, id, run));
  }

  /**
   * Writes down that a numbering was seen, if it is new.
   *
   * @param run in which it was seen: perhaps no longer the newest one when this is written
   * @return the run to which the epoch belongs
   * @throws ComputationException {@code REFUSED}, code {@code too-many-epochs}, when the run has
   *     {@link #MAX_EPOCHS} already
   */
  public int epoch(String id, String epoch, int run) {
    return database.change(
        session -> {
          List<Epoch> known = EpochTable.all(session, id);
          for (Epoch one : known) {
            if (one.name().equals(epoch)) {
              return one.run();
            }
          }
          require(session, id);
          if (known.stream().filter(one -> one.run() == run).count() >= MAX_EPOCHS) {
            throw new ComputationException(
                REFUSED,
                "too-many-epochs",
                "Run %d of %s began %d numberings already: its agent does not keep one."
                    .formatted(run, id, MAX_EPOCHS));
          }
          EpochTable.add(session, id, epoch, run);
          return run;
        });
  }

  /** Forgets the numbers of requests that are older than an age. */
  public void forgetRequests(Duration age) {
    database.apply(session -> RequestTable.forget(session, age));
  }

  /** The computation at its newest run. */
  public Optional<Computation> find(String id) {
    return database.read(session -> RunTable.newest(session, id));
  }

  /** All computations, each at its newest run, the oldest first. */
  public List<Computation> all() {
    return database.read(RunTable::all);
  }

  /** All runs of a computation, the oldest first; none for an id that is not known. */
  public List<Run> runs(String id) {
    return database.read(session -> RunTable.runs(session, id));
  }

  /** All numberings of a computation, the oldest first. */
  public List<Epoch> epochs(String id) {
    return database.read(session -> EpochTable.all(session, id));
  }

  /** The exact bytes of the manifest of a computation's newest run. */
  public Optional<byte[]> manifest(String id) {
    return database.read(session -> ManifestTable.newest(session, id));
  }

  /** Keeps a migration as its document says, in place of what was kept of that number. */
  public void migration(int number, byte[] document) {
    database.apply(session -> MigrationTable.write(session, number, document));
  }

  /** The document of the newest migration. */
  public Optional<byte[]> migration() {
    return database.read(MigrationTable::newest);
  }

  /** Writes an order down, in place of what was written of it before. */
  public void swap(Swap swap) {
    database.apply(session -> SwapTable.write(session, swap));
  }

  /** Writes down that an agent is on the new transport, with the credential for it. */
  public void swapDone(Swap swap) {
    database.apply(
        session -> {
          SwapTable.decide(session, swap);
          RunTable.swapped(session, swap);
        });
  }

  /** Writes down that nothing is left of an order that was decided. */
  public void swapCleaned(String command) {
    database.apply(session -> SwapTable.cleaned(session, command));
  }

  /** The orders that are not decided, or of which something is left, the oldest first. */
  public List<Swap> swapsLeft() {
    return database.read(SwapTable::left);
  }

  /** The newest order to an agent. */
  public Optional<Swap> newestSwap(String id) {
    return database.read(session -> SwapTable.newest(session, id));
  }

  /** Rises with every change; a list that was read later than a revision shows all up to it. */
  public long revision() {
    return database.revision();
  }

  /** The refusal of an id that is not known. */
  public static ComputationException unknown(String id) {
    return new ComputationException(
        REFUSED,
        "unknown-computation",
        "There is no computation '%s': GET /computations lists those there are.".formatted(id));
  }

  private static Computation require(Session session, String id) throws SQLException {
    return RunTable.newest(session, id).orElseThrow(() -> unknown(id));
  }

  private static Computation owned(Session session, Request request, String id)
      throws SQLException {
    Computation computation = require(session, id);
    if (!computation.run().host().equals(request.host())) {
      throw new ComputationException(
          REFUSED,
          "not-your-computation",
          "%s belongs to manager %s, not to %s."
              .formatted(id, computation.run().host(), request.host()));
    }
    return computation;
  }

  private static String candidate(String wantedId, int suffix) {
    if (suffix == 1) {
      return wantedId;
    }
    String end = "-" + suffix;
    int room = MAX_ID - end.length();
    return (wantedId.length() > room ? wantedId.substring(0, room) : wantedId) + end;
  }
}
