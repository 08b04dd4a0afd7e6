// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Orders to change a transport, as rows. Each method runs inside a change or reading. */
final class SwapTable {

  private static final String SELECT =
      """
      SELECT command, computation, run, origin, target, started, state, credential_sha256,
        credential_expires, ended, code, reason
      FROM swap
      """;

  private SwapTable() {}

  /** Those that are not decided, or of which something is left, the oldest first. */
  static List<Swap> left(Session session) throws SQLException {
    return session.list(
        SwapTable::read, SELECT + " WHERE cleaned IS NULL ORDER BY started, command");
  }

  /** The newest one to an agent. */
  static Optional<Swap> newest(Session session, String id) throws SQLException {
    return session.first(
        SwapTable::read, SELECT + " WHERE computation = ? ORDER BY started DESC, command", id);
  }

  /** Writes one, in place of what was written of it before. */
  static void write(Session session, Swap swap) throws SQLException {
    session.update("DELETE FROM swap WHERE command = ?", swap.command());
    session.update(
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
        Session.millis(swap.credentialExpiresAt()),
        Session.millis(swap.ended()),
        swap.code(),
        swap.reason());
  }

  /** Writes how one was decided, and no more. */
  static void decide(Session session, Swap swap) throws SQLException {
    session.update(
        "UPDATE swap SET state = ?, ended = ? WHERE command = ?",
        swap.state().word(),
        Session.millis(swap.ended()),
        swap.command());
  }

  /** Nothing is left of one. */
  static void cleaned(Session session, String command) throws SQLException {
    session.update("UPDATE swap SET cleaned = ? WHERE command = ?", session.now(), command);
  }

  private static Swap read(ResultSet row) throws SQLException {
    return new Swap(
        row.getString(1),
        row.getString(2),
        row.getInt(3),
        row.getString(4),
        row.getString(5),
        Instant.ofEpochMilli(row.getLong(6)),
        Swap.State.of(row.getString(7)),
        row.getString(8),
        Session.instant(row, 9),
        Session.instant(row, 10),
        row.getString(11),
        row.getString(12));
  }
}
