// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.StreamBooks;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import java.util.Map;

/** Where the agent says what happens. Safe for use by several threads. */
public interface Reporter {

  /** Takes an event; never waits, so that it may be told with a lock held. */
  void event(Event event);

  /** Takes a line. Waits while there is no room, which holds the algorithm back. */
  void log(LogRecord line) throws InterruptedException;

  /** The books of each stream, by its name; never blocks. */
  Map<String, StreamBooks> books();
}
