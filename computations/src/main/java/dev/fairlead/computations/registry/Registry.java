// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static dev.fairlead.computations.ComputationException.Category.BROKEN;
import static dev.fairlead.computations.ComputationException.Category.REFUSED;
import static dev.fairlead.computations.ComputationException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.protocol.Manifest;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What is known of each computation. Every change is one transaction that also raises the revision,
 * and is on disk when the method returns. Credentials themselves are never written here, only their
 * digests.
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
  private static final int MAX_KIND = 64;
  private static final int MAX_REASON = 256;

  private static final String SELECT =
      """
      SELECT c.id, c.wanted_id, c.created, r.number, r.host, r.digest, r.manifest_sha256, r.started,
        r.credential_sha256, r.credential_expires, r.vm_state, r.end_kind, r.end_reason, r.ended,
        r.agent_state, r.last_heard, COALESCE(r.first_log_line, 1), COALESCE(r.first_event_line, 1),
        r.transport
      FROM computation c JOIN run r ON r.computation = c.id
      """;

  private final DataSource database;
  private final String sync;
  private final InstantSource clock;
  private final ReentrantLock writing = new ReentrantLock();

  private interface Work<T> {
    T in(Connection connection) throws SQLException;
  }

  private Registry(DataSource database, String sync, InstantSource clock) {
    this.database = requireNonNull(database, "database is null");
    this.sync = requireNonNull(sync, "sync is null");
    this.clock = requireNonNull(clock, "clock is null");
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
    Registry registry = new Registry(database, sync, clock);
    try (Connection connection = database.getConnection()) {
      Migrations.apply(connection, clock.instant());
      return registry;
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
    return change(
        connection -> {
          Optional<Computation> before = repeated(connection, request, "register");
          if (before.isPresent()) {
            return before.get();
          }
          String sha256 = keep(connection, manifest);
          for (int suffix = 1; ; suffix++) {
            String id = candidate(wantedId, suffix);
            Optional<Computation> taken = newest(connection, id);
            if (taken.isPresent() && taken.get().run().vm() != VmState.ENDED) {
              continue;
            }
            int number = taken.isPresent() ? taken.get().run().number() + 1 : 1;
            if (taken.isEmpty()) {
              update(
                  connection,
                  "INSERT INTO computation (id, wanted_id, created, run) VALUES (?, ?, ?, 1)",
                  id,
                  wantedId,
                  now());
            }
            begin(connection, request, "register", id, number, digest, sha256);
            return newest(connection, id).orElseThrow();
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
    return change(
        connection -> {
          Optional<Computation> before = repeated(connection, request, "renew");
          if (before.isPresent()) {
            return before.get();
          }
          Run last = owned(connection, request, id).run();
          if (last.vm() != VmState.ENDED) {
            throw new ComputationException(
                REFUSED,
                "vm-not-ended",
                "Run %d of %s has a VM whose end was not reported: report it, then renew."
                    .formatted(last.number(), id));
          }
          begin(
              connection,
              request,
              "renew",
              id,
              last.number() + 1,
              last.digest(),
              last.manifestSha256());
          return newest(connection, id).orElseThrow();
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
    return change(
        connection -> {
          Optional<Computation> before = repeated(connection, request, "ended");
          if (before.isPresent()) {
            return before.get();
          }
          Run run = owned(connection, request, id).run();
          note(connection, request, "ended", id, run.number());
          end(connection, id, run.number(), kind, reason);
          return newest(connection, id).orElseThrow();
        });
  }

  /**
   * Writes down what became of an agent. Does nothing for a run that is over.
   *
   * @param run the run it was seen in
   * @param lastHeard when it was last heard of; null keeps what was written before
   */
  public void agent(String id, int run, AgentState state, @Nullable Instant lastHeard) {
    change(
        connection -> {
          update(
              connection,
              """
              UPDATE run SET agent_state = ?, last_heard = COALESCE(?, last_heard)
              WHERE computation = ? AND number = ?
              """,
              state.word(),
              millis(lastHeard),
              id,
              run);
          if (state == AgentState.CONNECTED) {
            booted(connection, id, run);
          }
          return id;
        });
  }

  /** Writes down the newest credential of a run. */
  public void credential(String id, int run, String sha256, Instant expiresAt) {
    change(
        connection ->
            update(
                connection,
                """
                UPDATE run SET credential_sha256 = ?, credential_expires = ?
                WHERE computation = ? AND number = ?
                """,
                sha256,
                millis(expiresAt),
                id,
                run));
  }

  /** Writes down where a run's lines begin among those of all runs, from 1. */
  public void firstLines(String id, int run, long logs, long events) {
    change(
        connection ->
            update(
                connection,
                """
                UPDATE run SET first_log_line = ?, first_event_line = ?
                WHERE computation = ? AND number = ?
                """,
                logs,
                events,
                id,
                run));
  }

  /** Writes down that all credentials of a run were revoked. */
  public void revoked(String id, int run) {
    change(
        connection ->
            update(
                connection,
                "UPDATE run SET revoked = ? WHERE computation = ? AND number = ?",
                now(),
                id,
                run));
  }

  /**
   * The computations whose VM has ended while their credentials were not revoked yet: what a broker
   * that was away, or this service's own end, has left to do.
   */
  public List<Computation> toRevoke() {
    return read(
        connection ->
            select(
                connection,
                SELECT
                    + " WHERE r.number = c.run AND r.vm_state = ? AND r.revoked IS NULL ORDER BY c.id",
                VmState.ENDED.word()));
  }

  /** Runs whose VM ended before a time, and whose streams were not closed yet. */
  public List<Computation> toClose(Instant before) {
    return read(
        connection ->
            select(
                connection,
                SELECT
                    + """
                     WHERE r.vm_state = ? AND r.closed IS NULL AND r.ended < ?
                    ORDER BY c.id, r.number
                    """,
                VmState.ENDED.word(),
                before.toEpochMilli()));
  }

  /** Writes down that the streams of a run were closed. */
  public void closed(String id, int run) {
    change(
        connection ->
            update(
                connection,
                "UPDATE run SET closed = ? WHERE computation = ? AND number = ?",
                now(),
                id,
                run));
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
    return change(
        connection -> {
          List<Epoch> known = epochs(connection, id);
          for (Epoch one : known) {
            if (one.name().equals(epoch)) {
              return one.run();
            }
          }
          require(connection, id);
          if (known.stream().filter(one -> one.run() == run).count() >= MAX_EPOCHS) {
            throw new ComputationException(
                REFUSED,
                "too-many-epochs",
                "Run %d of %s began %d numberings already: its agent does not keep one."
                    .formatted(run, id, MAX_EPOCHS));
          }
          update(
              connection,
              "INSERT INTO epoch (computation, name, run, first_seen) VALUES (?, ?, ?, ?)",
              id,
              epoch,
              run,
              now());
          return run;
        });
  }

  /** Forgets the numbers of requests that are older than an age. */
  public void forgetRequests(Duration age) {
    change(
        connection ->
            update(connection, "DELETE FROM request WHERE received < ?", now() - age.toMillis()));
  }

  /** The computation at its newest run. */
  public Optional<Computation> find(String id) {
    return read(connection -> newest(connection, id));
  }

  /** All computations, each at its newest run, the oldest first. */
  public List<Computation> all() {
    return read(
        connection ->
            select(connection, SELECT + " WHERE r.number = c.run ORDER BY c.created, c.id"));
  }

  /** All runs of a computation, the oldest first; none for an id that is not known. */
  public List<Run> runs(String id) {
    return read(
        connection ->
            select(connection, SELECT + " WHERE c.id = ? ORDER BY r.number", id).stream()
                .map(Computation::run)
                .toList());
  }

  /** All numberings of a computation, the oldest first. */
  public List<Epoch> epochs(String id) {
    return read(connection -> epochs(connection, id));
  }

  /** The exact bytes of the manifest of a computation's newest run. */
  public Optional<byte[]> manifest(String id) {
    return read(
        connection -> {
          try (PreparedStatement statement =
              prepare(
                  connection,
                  """
                  SELECT m.content FROM computation c
                  JOIN run r ON r.computation = c.id AND r.number = c.run
                  JOIN manifest m ON m.sha256 = r.manifest_sha256
                  WHERE c.id = ?
                  """,
                  id)) {
            try (ResultSet rows = statement.executeQuery()) {
              return rows.next() ? Optional.of(rows.getBytes(1)) : Optional.empty();
            }
          }
        });
  }

  /** Keeps a migration as its document says, in place of what was kept of that number. */
  public void migration(int number, byte[] document) {
    change(
        connection -> {
          int known =
              update(
                  connection,
                  "UPDATE migration SET changed = ?, content = ? WHERE number = ?",
                  now(),
                  document,
                  number);
          return known > 0
              ? known
              : update(
                  connection,
                  "INSERT INTO migration (number, changed, content) VALUES (?, ?, ?)",
                  number,
                  now(),
                  document);
        });
  }

  /** The document of the newest migration. */
  public Optional<byte[]> migration() {
    return read(
        connection -> {
          try (Statement statement = connection.createStatement();
              ResultSet rows =
                  statement.executeQuery("SELECT content FROM migration ORDER BY number DESC")) {
            return rows.next() ? Optional.of(rows.getBytes(1)) : Optional.empty();
          }
        });
  }

  /** Writes an order down, in place of what was written of it before. */
  public void swap(Swap swap) {
    change(
        connection -> {
          update(connection, "DELETE FROM swap WHERE command = ?", swap.command());
          return update(
              connection,
              """
              INSERT INTO swap (command, computation, run, origin, target, started, state,
                credential_sha256, credential_expires, ended, code, reason)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              """,
              swap.command(),
              swap.computation(),
              swap.run(),
              swap.from(),
              swap.to(),
              swap.started().toEpochMilli(),
              swap.state().word(),
              swap.credentialSha256(),
              millis(swap.credentialExpiresAt()),
              millis(swap.ended()),
              swap.code(),
              swap.reason());
        });
  }

  /** Writes down that an agent is on the new transport, with the credential for it. */
  public void swapDone(Swap swap) {
    change(
        connection -> {
          update(
              connection,
              "UPDATE swap SET state = ?, ended = ? WHERE command = ?",
              swap.state().word(),
              millis(swap.ended()),
              swap.command());
          return update(
              connection,
              """
              UPDATE run SET transport = ?, credential_sha256 = COALESCE(?, credential_sha256),
                credential_expires = COALESCE(?, credential_expires)
              WHERE computation = ? AND number = ?
              """,
              swap.to(),
              swap.credentialSha256(),
              millis(swap.credentialExpiresAt()),
              swap.computation(),
              swap.run());
        });
  }

  /** Writes down that nothing is left of an order that was decided. */
  public void swapCleaned(String command) {
    change(
        connection ->
            update(connection, "UPDATE swap SET cleaned = ? WHERE command = ?", now(), command));
  }

  /** The orders that are not decided, or of which something is left, the oldest first. */
  public List<Swap> swapsLeft() {
    return read(
        connection -> swaps(connection, " WHERE cleaned IS NULL ORDER BY started, command"));
  }

  /** The newest order to an agent. */
  public Optional<Swap> newestSwap(String id) {
    return read(
        connection ->
            swaps(connection, " WHERE computation = ? ORDER BY started DESC, command", id).stream()
                .findFirst());
  }

  private static List<Swap> swaps(Connection connection, String where, Object... values)
      throws SQLException {
    try (PreparedStatement statement =
        prepare(
            connection,
            """
            SELECT command, computation, run, origin, target, started, state, credential_sha256,
              credential_expires, ended, code, reason
            FROM swap
            """
                + where,
            values)) {
      List<Swap> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(
              new Swap(
                  rows.getString(1),
                  rows.getString(2),
                  rows.getInt(3),
                  rows.getString(4),
                  rows.getString(5),
                  Instant.ofEpochMilli(rows.getLong(6)),
                  Swap.State.of(rows.getString(7)),
                  rows.getString(8),
                  instant(rows, 9),
                  instant(rows, 10),
                  rows.getString(11),
                  rows.getString(12)));
        }
      }
      return List.copyOf(found);
    }
  }

  /** Rises with every change; a list that was read later than a revision shows all up to it. */
  public long revision() {
    return read(
        connection -> {
          try (Statement statement = connection.createStatement();
              ResultSet rows = statement.executeQuery("SELECT revision FROM registry_revision")) {
            rows.next();
            return rows.getLong(1);
          }
        });
  }

  // What follows runs inside a transaction.

  private void begin(
      Connection connection,
      Request request,
      String op,
      String id,
      int number,
      String digest,
      String manifestSha256)
      throws SQLException {
    update(
        connection,
        """
        INSERT INTO run (computation, number, host, digest, manifest_sha256, started, vm_state,
          agent_state)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        id,
        number,
        request.host(),
        digest,
        manifestSha256,
        now(),
        VmState.STARTING.word(),
        AgentState.STARTING.word());
    update(connection, "UPDATE computation SET run = ? WHERE id = ?", number, id);
    note(connection, request, op, id, number);
  }

  private void end(Connection connection, String id, int number, String kind, String reason)
      throws SQLException {
    update(
        connection,
        """
        UPDATE run SET vm_state = ?, end_kind = ?, end_reason = ?, ended = ?, agent_state = ?
        WHERE computation = ? AND number = ? AND vm_state <> ?
        """,
        VmState.ENDED.word(),
        cut(kind, MAX_KIND),
        cut(reason, MAX_REASON),
        now(),
        AgentState.GONE.word(),
        id,
        number,
        VmState.ENDED.word());
  }

  private static void booted(Connection connection, String id, int number) throws SQLException {
    update(
        connection,
        "UPDATE run SET vm_state = ? WHERE computation = ? AND number = ? AND vm_state = ?",
        VmState.BOOTED.word(),
        id,
        number,
        VmState.STARTING.word());
  }

  private void note(Connection connection, Request request, String op, String id, int run)
      throws SQLException {
    update(
        connection,
        "INSERT INTO request (id, host, op, computation, run, received) VALUES (?, ?, ?, ?, ?, ?)",
        request.id(),
        request.host(),
        op,
        id,
        run,
        now());
  }

  private static Optional<Computation> repeated(Connection connection, Request request, String op)
      throws SQLException {
    try (PreparedStatement statement =
        prepare(
            connection,
            "SELECT op, computation, run FROM request WHERE host = ? AND id = ?",
            request.host(),
            request.id())) {
      try (ResultSet rows = statement.executeQuery()) {
        if (!rows.next()) {
          return Optional.empty();
        }
        if (!rows.getString(1).equals(op)) {
          throw new ComputationException(
              REFUSED,
              "request-id-reused",
              "Request %s was a '%s' before: give each request an id of its own."
                  .formatted(request.id(), rows.getString(1)));
        }
        return first(
            select(
                connection,
                SELECT + " WHERE c.id = ? AND r.number = ?",
                rows.getString(2),
                rows.getInt(3)));
      }
    }
  }

  private static Computation owned(Connection connection, Request request, String id)
      throws SQLException {
    Computation computation = require(connection, id);
    if (!computation.run().host().equals(request.host())) {
      throw new ComputationException(
          REFUSED,
          "not-your-computation",
          "%s belongs to manager %s, not to %s."
              .formatted(id, computation.run().host(), request.host()));
    }
    return computation;
  }

  private static Computation require(Connection connection, String id) throws SQLException {
    return newest(connection, id).orElseThrow(() -> unknown(id));
  }

  /** The refusal of an id that is not known. */
  public static ComputationException unknown(String id) {
    return new ComputationException(
        REFUSED,
        "unknown-computation",
        "There is no computation '%s': GET /computations lists those there are.".formatted(id));
  }

  private static Optional<Computation> newest(Connection connection, String id)
      throws SQLException {
    return first(select(connection, SELECT + " WHERE r.number = c.run AND c.id = ?", id));
  }

  private static String candidate(String wantedId, int suffix) {
    if (suffix == 1) {
      return wantedId;
    }
    String end = "-" + suffix;
    int room = MAX_ID - end.length();
    return (wantedId.length() > room ? wantedId.substring(0, room) : wantedId) + end;
  }

  private static String keep(Connection connection, byte[] manifest) throws SQLException {
    String sha256 = sha256(manifest);
    try (PreparedStatement statement =
        prepare(connection, "SELECT 1 FROM manifest WHERE sha256 = ?", sha256)) {
      try (ResultSet rows = statement.executeQuery()) {
        if (rows.next()) {
          return sha256;
        }
      }
    }
    update(connection, "INSERT INTO manifest (sha256, content) VALUES (?, ?)", sha256, manifest);
    return sha256;
  }

  private static List<Epoch> epochs(Connection connection, String id) throws SQLException {
    try (PreparedStatement statement =
        prepare(
            connection,
            """
            SELECT name, run, first_seen FROM epoch WHERE computation = ?
            ORDER BY run, first_seen, name
            """,
            id)) {
      List<Epoch> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(
              new Epoch(rows.getString(1), rows.getInt(2), Instant.ofEpochMilli(rows.getLong(3))));
        }
      }
      return List.copyOf(found);
    }
  }

  private static List<Computation> select(Connection connection, String sql, Object... values)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, sql, values)) {
      List<Computation> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(computation(rows));
        }
      }
      return List.copyOf(found);
    }
  }

  private static Computation computation(ResultSet rows) throws SQLException {
    return new Computation(
        rows.getString(1),
        rows.getString(2),
        Instant.ofEpochMilli(rows.getLong(3)),
        new Run(
            rows.getInt(4),
            rows.getString(5),
            rows.getString(6),
            rows.getString(7),
            Instant.ofEpochMilli(rows.getLong(8)),
            rows.getString(9),
            instant(rows, 10),
            VmState.of(rows.getString(11)),
            rows.getString(12),
            rows.getString(13),
            instant(rows, 14),
            AgentState.of(rows.getString(15)),
            instant(rows, 16),
            rows.getLong(17),
            rows.getLong(18),
            rows.getString(19)));
  }

  private static @Nullable Instant instant(ResultSet rows, int column) throws SQLException {
    long millis = rows.getLong(column);
    return rows.wasNull() ? null : Instant.ofEpochMilli(millis);
  }

  private static int update(Connection connection, String sql, @Nullable Object... values)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, sql, values)) {
      return statement.executeUpdate();
    }
  }

  private static PreparedStatement prepare(
      Connection connection, String sql, @Nullable Object... values) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    try {
      for (int i = 0; i < values.length; i++) {
        Object value = values[i];
        if (value == null) {
          statement.setNull(i + 1, Types.NULL);
        } else if (value instanceof byte[] bytes) {
          statement.setBytes(i + 1, bytes);
        } else {
          statement.setObject(i + 1, value);
        }
      }
      return statement;
    } catch (SQLException | RuntimeException e) {
      statement.close();
      throw e;
    }
  }

  private <T> T change(Work<T> work) {
    writing.lock();
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      try {
        update(connection, "UPDATE registry_revision SET revision = revision + 1");
        T result = work.in(connection);
        connection.commit();
        if (!sync.isEmpty()) {
          try (Statement statement = connection.createStatement()) {
            statement.execute(sync);
          }
        }
        return result;
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      }
    } catch (SQLException e) {
      throw unavailable(e);
    } finally {
      writing.unlock();
    }
  }

  private <T> T read(Work<T> work) {
    try (Connection connection = database.getConnection()) {
      return work.in(connection);
    } catch (SQLException e) {
      throw unavailable(e);
    }
  }

  private static ComputationException unavailable(SQLException cause) {
    return new ComputationException(
        RETRY,
        "registry-unavailable",
        "The registry's database failed: %s Ask again; see to its disk if this goes on."
            .formatted(cause.getMessage()),
        cause);
  }

  private static <T> Optional<T> first(List<T> found) {
    return found.stream().findFirst();
  }

  private static String cut(String text, int most) {
    return text.length() > most ? text.substring(0, most) : text;
  }

  private static @Nullable Long millis(@Nullable Instant instant) {
    return instant == null ? null : instant.toEpochMilli();
  }

  private long now() {
    return clock.millis();
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
