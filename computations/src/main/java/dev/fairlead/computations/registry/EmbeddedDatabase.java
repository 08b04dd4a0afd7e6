// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static dev.fairlead.computations.ComputationException.Category.BROKEN;

import dev.fairlead.computations.ComputationException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;

/**
 * The database that comes with the service: H2, in one file, held open and locked against every
 * other process until it is closed. The only class that knows which database it is.
 */
public final class EmbeddedDatabase implements AutoCloseable {

  /**
   * Brings what was committed to the disk: H2 writes a commit to the file at once ({@code
   * WRITE_DELAY=0}, so that it survives the end of the process) but does not wait for the disk.
   */
  public static final String SYNC = "CHECKPOINT SYNC";

  private final JdbcDataSource source;
  private final Connection anchor;

  /**
   * Opens it, and makes it where there is none.
   *
   * @param file without ending; H2 adds {@code .mv.db}. Its directory is made where it is absent
   * @throws ComputationException {@code BROKEN}, code {@code registry-unusable}, when another
   *     process has it or the file cannot be read
   */
  public EmbeddedDatabase(Path file) {
    source = new JdbcDataSource();
    source.setURL(
        "jdbc:h2:file:%s;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE"
            .formatted(file.toAbsolutePath().normalize()));
    source.setUser("fairlead");
    source.setPassword("");
    try {
      // The database is closed with its last connection: this one keeps it open between calls.
      anchor = source.getConnection();
    } catch (SQLException e) {
      throw new ComputationException(
          BROKEN,
          "registry-unusable",
          "The registry %s.mv.db cannot be opened: %s Is another service using it?"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /** Where connections come from. */
  public DataSource source() {
    return source;
  }

  /** Closes it once the last connection is closed. Idempotent. */
  @Override
  public void close() {
    try {
      anchor.close();
    } catch (SQLException e) {
      throw new ComputationException(
          BROKEN, "registry-unusable", "The registry did not close well: " + e.getMessage(), e);
    }
  }
}
