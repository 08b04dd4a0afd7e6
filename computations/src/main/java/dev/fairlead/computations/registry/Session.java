// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the database during one piece of work, with statements that are closed as soon as
 * they are done. Used by the thread that works, and no longer than the work takes. Times lie there
 * as milliseconds since 1970 UTC.
 */
final class Session {

  private final Connection connection;
  private final InstantSource clock;

  /** Makes something of a row, without moving on. */
  interface Reading<T> {
    T of(ResultSet row) throws SQLException;
  }

  Session(Connection connection, InstantSource clock) {
    this.connection = connection;
    this.clock = clock;
  }

  /** The time that is written down. */
  long now() {
    return clock.millis();
  }

  /** Changes rows; how many it were. */
  int update(String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = prepare(sql, values)) {
      return statement.executeUpdate();
    }
  }

  /** All rows, in their order. */
  <T> List<T> list(Reading<T> reading, String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = prepare(sql, values);
        ResultSet rows = statement.executeQuery()) {
      List<T> found = new ArrayList<>();
      while (rows.next()) {
        found.add(reading.of(rows));
      }
      return List.copyOf(found);
    }
  }

  /** The first row, if there is one. */
  <T> Optional<T> first(Reading<T> reading, String sql, @Nullable Object... values)
      throws SQLException {
    try (PreparedStatement statement = prepare(sql, values);
        ResultSet rows = statement.executeQuery()) {
      return rows.next() ? Optional.of(reading.of(rows)) : Optional.empty();
    }
  }

  /** A time as it is written; null stays null. */
  static @Nullable Long millis(@Nullable Instant instant) {
    return instant == null ? null : instant.toEpochMilli();
  }

  /** A time that is read; null stays null. */
  static @Nullable Instant instant(ResultSet row, int column) throws SQLException {
    long millis = row.getLong(column);
    return row.wasNull() ? null : Instant.ofEpochMilli(millis);
  }

  private PreparedStatement prepare(String sql, @Nullable Object... values) throws SQLException {
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
}
