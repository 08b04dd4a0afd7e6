// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import dev.fairlead.computations.liveness.AgentState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Computations and their runs, as rows. Decides nothing; each method runs inside a change or
 * reading.
 */
final class RunTable {

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

  private RunTable() {}

  /** A computation at its newest run. */
  static Optional<Computation> newest(Session session, String id) throws SQLException {
    return session.first(RunTable::read, SELECT + " WHERE r.number = c.run AND c.id = ?", id);
  }

  /** A computation at one of its runs. */
  static Optional<Computation> at(Session session, String id, int number) throws SQLException {
    return session.first(RunTable::read, SELECT + " WHERE c.id = ? AND r.number = ?", id, number);
  }

  /** All computations, each at its newest run, the oldest first. */
  static List<Computation> all(Session session) throws SQLException {
    return session.list(
        RunTable::read, SELECT + " WHERE r.number = c.run ORDER BY c.created, c.id");
  }

  /** All runs of a computation, the oldest first. */
  static List<Run> runs(Session session, String id) throws SQLException {
    return session.list(row -> read(row).run(), SELECT + " WHERE c.id = ? ORDER BY r.number", id);
  }

  /** Newest runs whose VM has ended and whose credentials were not revoked. */
  static List<Computation> toRevoke(Session session) throws SQLException {
    return session.list(
        RunTable::read,
        SELECT + " WHERE r.number = c.run AND r.vm_state = ? AND r.revoked IS NULL ORDER BY c.id",
        VmState.ENDED.word());
  }

  /** Runs whose VM ended before a time and whose streams were not closed. */
  static List<Computation> toClose(Session session, Instant before) throws SQLException {
    return session.list(
        RunTable::read,
        SELECT
            + """
             WHERE r.vm_state = ? AND r.closed IS NULL AND r.ended < ?
            ORDER BY c.id, r.number
            """,
        VmState.ENDED.word(),
        before.toEpochMilli());
  }

  /** Adds a computation, which has no run yet. */
  static void add(Session session, String id, String wantedId) throws SQLException {
    session.update(
        "INSERT INTO computation (id, wanted_id, created, run) VALUES (?, ?, ?, 1)",
        id,
        wantedId,
        session.now());
  }

  /** Adds a run, which is the newest then. */
  static void begin(
      Session session, String id, int number, String host, String digest, String manifestSha256)
      throws SQLException {
    session.update(
        """
        INSERT INTO run (computation, number, host, digest, manifest_sha256, started, vm_state,
          agent_state)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        id,
        number,
        host,
        digest,
        manifestSha256,
        session.now(),
        VmState.STARTING.word(),
        AgentState.STARTING.word());
    session.update("UPDATE computation SET run = ? WHERE id = ?", number, id);
  }

  /** The VM has booted, unless it has ended. */
  static void booted(Session session, String id, int number) throws SQLException {
    session.update(
        "UPDATE run SET vm_state = ? WHERE computation = ? AND number = ? AND vm_state = ?",
        VmState.BOOTED.word(),
        id,
        number,
        VmState.STARTING.word());
  }

  /** The VM has ended, unless it had before. */
  static void end(Session session, String id, int number, String kind, String reason)
      throws SQLException {
    session.update(
        """
        UPDATE run SET vm_state = ?, end_kind = ?, end_reason = ?, ended = ?, agent_state = ?
        WHERE computation = ? AND number = ? AND vm_state <> ?
        """,
        VmState.ENDED.word(),
        cut(kind, MAX_KIND),
        cut(reason, MAX_REASON),
        session.now(),
        AgentState.GONE.word(),
        id,
        number,
        VmState.ENDED.word());
  }

  /** What became of the agent; no time keeps the one before. */
  static void agent(
      Session session, String id, int number, AgentState state, @Nullable Instant lastHeard)
      throws SQLException {
    session.update(
        """
        UPDATE run SET agent_state = ?, last_heard = COALESCE(?, last_heard)
        WHERE computation = ? AND number = ?
        """,
        state.word(),
        Session.millis(lastHeard),
        id,
        number);
  }

  /** The newest credential. */
  static void credential(Session session, String id, int number, String sha256, Instant expiresAt)
      throws SQLException {
    session.update(
        """
        UPDATE run SET credential_sha256 = ?, credential_expires = ?
        WHERE computation = ? AND number = ?
        """,
        sha256,
        expiresAt.toEpochMilli(),
        id,
        number);
  }

  /** The transport that the agent is on after a swap, and the credential for it if there is one. */
  static void swapped(Session session, Swap swap) throws SQLException {
    session.update(
        """
        UPDATE run SET transport = ?, credential_sha256 = COALESCE(?, credential_sha256),
          credential_expires = COALESCE(?, credential_expires)
        WHERE computation = ? AND number = ?
        """,
        swap.to(),
        swap.credentialSha256(),
        Session.millis(swap.credentialExpiresAt()),
        swap.computation(),
        swap.run());
  }

  /** Where its lines begin. */
  static void firstLines(Session session, String id, int number, long logs, long events)
      throws SQLException {
    session.update(
        """
        UPDATE run SET first_log_line = ?, first_event_line = ?
        WHERE computation = ? AND number = ?
        """,
        logs,
        events,
        id,
        number);
  }

  /** Its credentials were revoked. */
  static void revoked(Session session, String id, int number) throws SQLException {
    session.update(
        "UPDATE run SET revoked = ? WHERE computation = ? AND number = ?",
        session.now(),
        id,
        number);
  }

  /** Its streams were closed. */
  static void closed(Session session, String id, int number) throws SQLException {
    session.update(
        "UPDATE run SET closed = ? WHERE computation = ? AND number = ?",
        session.now(),
        id,
        number);
  }

  private static Computation read(ResultSet row) throws SQLException {
    return new Computation(
        row.getString(1),
        row.getString(2),
        Instant.ofEpochMilli(row.getLong(3)),
        new Run(
            row.getInt(4),
            row.getString(5),
            row.getString(6),
            row.getString(7),
            Instant.ofEpochMilli(row.getLong(8)),
            row.getString(9),
            Session.instant(row, 10),
            VmState.of(row.getString(11)),
            row.getString(12),
            row.getString(13),
            Session.instant(row, 14),
            AgentState.of(row.getString(15)),
            Session.instant(row, 16),
            row.getLong(17),
            row.getLong(18),
            row.getString(19)));
  }

  private static String cut(String text, int most) {
    return text.length() > most ? text.substring(0, most) : text;
  }
}
