// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;

/**
 * The schema, as numbered steps. A step that was released is never changed: the next change is a
 * new step at the end. A step may be cut off in the middle (H2 commits at each change of the
 * schema), so every statement can run twice. Only types and clauses that H2 and PostgreSQL read
 * alike; times are milliseconds since 1970 UTC.
 */
final class Migrations {

  private static final List<List<String>> STEPS =
      List.of(
          List.of(
              // One row. Whoever changes anything raises it first, and so waits for the others.
              """
              CREATE TABLE IF NOT EXISTS registry_revision (
                only_row INTEGER PRIMARY KEY,
                revision BIGINT NOT NULL)""",
              """
              INSERT INTO registry_revision SELECT 1, 0
              WHERE NOT EXISTS (SELECT 1 FROM registry_revision)""",
              """
              CREATE TABLE IF NOT EXISTS manifest (
                sha256 VARCHAR(64) PRIMARY KEY,
                content BYTEA NOT NULL)""",
              """
              CREATE TABLE IF NOT EXISTS computation (
                id VARCHAR(64) PRIMARY KEY,
                wanted_id VARCHAR(64) NOT NULL,
                created BIGINT NOT NULL,
                run INTEGER NOT NULL)""",
              """
              CREATE TABLE IF NOT EXISTS run (
                computation VARCHAR(64) NOT NULL REFERENCES computation (id),
                number INTEGER NOT NULL,
                host VARCHAR(64) NOT NULL,
                digest VARCHAR(64) NOT NULL,
                manifest_sha256 VARCHAR(64) NOT NULL REFERENCES manifest (sha256),
                started BIGINT NOT NULL,
                credential_sha256 VARCHAR(64),
                credential_expires BIGINT,
                revoked BIGINT,
                closed BIGINT,
                first_log_line BIGINT,
                first_event_line BIGINT,
                vm_state VARCHAR(16) NOT NULL,
                end_kind VARCHAR(64),
                end_reason VARCHAR(256),
                ended BIGINT,
                agent_state VARCHAR(16) NOT NULL,
                last_heard BIGINT,
                PRIMARY KEY (computation, number))""",
              """
              CREATE TABLE IF NOT EXISTS epoch (
                computation VARCHAR(64) NOT NULL REFERENCES computation (id),
                name VARCHAR(64) NOT NULL,
                run INTEGER NOT NULL,
                first_seen BIGINT NOT NULL,
                PRIMARY KEY (computation, name))""",
              """
              CREATE TABLE IF NOT EXISTS request (
                id VARCHAR(64) NOT NULL,
                host VARCHAR(64) NOT NULL,
                op VARCHAR(16) NOT NULL,
                computation VARCHAR(64) NOT NULL,
                run INTEGER NOT NULL,
                received BIGINT NOT NULL,
                PRIMARY KEY (host, id))""",
              "CREATE INDEX IF NOT EXISTS request_received ON request (received)"),
          List.of(
              """
              CREATE TABLE IF NOT EXISTS migration (
                number INTEGER PRIMARY KEY,
                changed BIGINT NOT NULL,
                content BYTEA NOT NULL)"""),
          List.of(
              "ALTER TABLE run ADD COLUMN IF NOT EXISTS transport VARCHAR(64)",
              // What is not cleaned has a credential left that is of no more use.
              """
              CREATE TABLE IF NOT EXISTS swap (
                command VARCHAR(64) PRIMARY KEY,
                computation VARCHAR(64) NOT NULL REFERENCES computation (id),
                run INTEGER NOT NULL,
                origin VARCHAR(64) NOT NULL,
                target VARCHAR(64) NOT NULL,
                started BIGINT NOT NULL,
                state VARCHAR(16) NOT NULL,
                credential_sha256 VARCHAR(64),
                credential_expires BIGINT,
                ended BIGINT,
                code VARCHAR(64),
                reason VARCHAR(512),
                cleaned BIGINT)""",
              "CREATE INDEX IF NOT EXISTS swap_computation ON swap (computation, started)"));

  private Migrations() {}

  /** Brings a database to the newest step, each step in a transaction of its own. */
  static void apply(Connection connection, Instant now) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          """
          CREATE TABLE IF NOT EXISTS schema_step (
            number INTEGER PRIMARY KEY,
            applied BIGINT NOT NULL)""");
      connection.commit();
      int done = newest(statement);
      if (done > STEPS.size()) {
        throw new SQLException(
            "The registry was written by a newer version: its schema is at step %d, this version knows %d."
                .formatted(done, STEPS.size()));
      }
      for (int step = done + 1; step <= STEPS.size(); step++) {
        for (String sql : STEPS.get(step - 1)) {
          statement.execute(sql);
        }
        statement.execute(
            "INSERT INTO schema_step VALUES (%d, %d)".formatted(step, now.toEpochMilli()));
        connection.commit();
      }
    }
  }

  private static int newest(Statement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery("SELECT MAX(number) FROM schema_step")) {
      return rows.next() ? rows.getInt(1) : 0;
    }
  }
}
