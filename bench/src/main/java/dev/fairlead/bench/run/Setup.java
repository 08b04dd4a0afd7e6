// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Counts;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/**
 * Those who take part in one run: who sends, what carries, who receives. Made anew for each run, so
 * that none is warm from the one before. For use by one thread; {@link #close()} may be called by
 * another.
 */
interface Setup extends AutoCloseable {

  /** Starts what carries. */
  void startCarrier() throws IOException;

  /** Ends what carries for a while; {@link #startCarrier} starts the same again. */
  void endCarrier();

  /** The names of the transports that take part; none where a raw client does. */
  default List<String> transports() {
    return List.of();
  }

  /** Who sends. */
  Party sender();

  /** Who receives. */
  Party receiver();

  /** The process of what carries; empty while it is down, or where there is none. */
  OptionalLong carrier();

  /** Whether what carries takes connections now. */
  boolean carrierAnswers();

  /**
   * Recounts what the receiver has brought to an end, and takes it away from there. What {@link
   * #recount} says later includes it. Does nothing where nothing is kept.
   */
  default void recountSoFar() throws IOException {}

  /** Drops what was recounted so far: so a long run fits on a disk. */
  default void drop() throws IOException {}

  /**
   * Recounts what the receiver has, when all have ended: by what lies in its files, where it keeps
   * any, and not by its counters.
   */
  Counts recount() throws IOException;

  /** Ends all processes. Idempotent. */
  @Override
  void close();
}
