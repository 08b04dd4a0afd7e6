// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.sql.SQLException;
import java.util.Optional;

/**
 * Migrations of a fleet from one transport to another, as documents. Each method runs inside a
 * change or reading. (The steps of the schema are in {@link Migrations}.)
 */
final class MigrationTable {

  private MigrationTable() {}

  /** The document of the newest one. */
  static Optional<byte[]> newest(Session session) throws SQLException {
    return session.first(
        row -> row.getBytes(1), "SELECT content FROM migration ORDER BY number DESC");
  }

  /** Writes one, in place of what was written of it before. */
  static void write(Session session, int number, byte[] document) throws SQLException {
    int known =
        session.update(
            "UPDATE migration SET changed = ?, content = ? WHERE number = ?",
            session.now(),
            document,
            number);
    if (known == 0) {
      session.update(
          "INSERT INTO migration (number, changed, content) VALUES (?, ?, ?)",
          number,
          session.now(),
          document);
    }
  }
}
