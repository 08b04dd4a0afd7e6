// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;

import dev.fairlead.computations.ComputationException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/**
 * What managers asked and what came of it, as rows, so that what is asked again counts once. Each
 * method runs inside a change.
 */
final class RequestTable {

  private RequestTable() {}

  /** What was done for a request. */
  private record Done(String op, String computation, int run) {}

  /**
   * What came of a request that was seen before.
   *
   * @param op what is asked now
   * @throws ComputationException {@code REFUSED}, code {@code request-id-reused}, when it asked for
   *     something else before
   */
  static Optional<Computation> repeated(Session session, Request request, String op)
      throws SQLException {
    Optional<Done> found =
        session.first(
            row -> new Done(row.getString(1), row.getString(2), row.getInt(3)),
            "SELECT op, computation, run FROM request WHERE host = ? AND id = ?",
            request.host(),
            request.id());
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Done done = found.get();
    if (!done.op().equals(op)) {
      throw new ComputationException(
          REFUSED,
          "request-id-reused",
          "Request %s was a '%s' before: give each request an id of its own."
              .formatted(request.id(), done.op()));
    }
    return RunTable.at(session, done.computation(), done.run());
  }

  /** Notes what a request did, and to which run. */
  static void note(Session session, Request request, String op, String id, int run)
      throws SQLException {
    session.update(
        "INSERT INTO request (id, host, op, computation, run, received) VALUES (?, ?, ?, ?, ?, ?)",
        request.id(),
        request.host(),
        op,
        id,
        run,
        session.now());
  }

  /** Forgets those that are older than an age. */
  static void forget(Session session, Duration age) throws SQLException {
    session.update("DELETE FROM request WHERE received < ?", session.now() - age.toMillis());
  }
}
