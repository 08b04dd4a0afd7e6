// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static dev.fairlead.computations.ComputationException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.ComputationException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;

/**
 * Does work in the registry's database: each change is one transaction that also raises the
 * revision, and is on disk when the method returns.
 *
 * <p>Safe for use by several threads. Changes of this process take turns by a lock, those of others
 * wait at the row of the revision, which every change raises first. Whoever only reads waits for
 * nobody. Whoever works in it must not ask it for more work.
 */
final class Database {

  private final DataSource source;
  private final String sync;
  private final InstantSource clock;

  /** Held while something is changed, and brought to the disk. */
  private final ReentrantLock writing = new ReentrantLock();

  /** What is done, with a result. */
  interface Work<T> {
    T in(Session session) throws SQLException;
  }

  /** What is done, without. */
  interface Step {
    void in(Session session) throws SQLException;
  }

  /**
   * Makes one.
   *
   * @param source asked for a connection for each piece of work
   * @param sync brings what was committed to the disk; empty where that is so already
   */
  Database(DataSource source, String sync, InstantSource clock) {
    this.source = requireNonNull(source, "source is null");
    this.sync = requireNonNull(sync, "sync is null");
    this.clock = requireNonNull(clock, "clock is null");
  }

  /** Brings the schema up to date. */
  void migrate() throws SQLException {
    try (Connection connection = source.getConnection()) {
      Migrations.apply(connection, clock.instant());
    }
  }

  /**
   * Changes something: wholly, or where an exception is thrown not at all.
   *
   * @throws ComputationException {@code RETRY}, code {@code registry-unavailable}; and what the
   *     work throws
   */
  <T> T change(Work<T> work) {
    writing.lock();
    try (Connection connection = source.getConnection()) {
      connection.setAutoCommit(false);
      try {
        Session session = new Session(connection, clock);
        session.update("UPDATE registry_revision SET revision = revision + 1");
        T result = work.in(session);
        connection.commit();
        sync(connection);
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

  /** Changes something, as {@link #change}. */
  void apply(Step step) {
    change(
        session -> {
          step.in(session);
          return true;
        });
  }

  /**
   * Reads something.
   *
   * @throws ComputationException as {@link #change}
   */
  <T> T read(Work<T> work) {
    try (Connection connection = source.getConnection()) {
      return work.in(new Session(connection, clock));
    } catch (SQLException e) {
      throw unavailable(e);
    }
  }

  /** Rises with every change. */
  long revision() {
    return read(
        session ->
            session
                .first(row -> row.getLong(1), "SELECT revision FROM registry_revision")
                .orElseThrow());
  }

  private void sync(Connection connection) throws SQLException {
    if (!sync.isEmpty()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sync);
      }
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
}
