// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

/** The numberings of computations, as rows. Each method runs inside a change or reading. */
final class EpochTable {

  private EpochTable() {}

  /** All of a computation, the oldest first. */
  static List<Epoch> all(Session session, String id) throws SQLException {
    return session.list(
        row -> new Epoch(row.getString(1), row.getInt(2), Instant.ofEpochMilli(row.getLong(3))),
        """
        SELECT name, run, first_seen FROM epoch WHERE computation = ?
        ORDER BY run, first_seen, name
        """,
        id);
  }

  /** Adds one that is new. */
  static void add(Session session, String id, String name, int run) throws SQLException {
    session.update(
        "INSERT INTO epoch (computation, name, run, first_seen) VALUES (?, ?, ?, ?)",
        id,
        name,
        run,
        session.now());
  }
}
