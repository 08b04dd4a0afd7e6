// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Sets how much this program logs, in the backend that the platform's logger has by default. */
final class LogLevel {

  /** Held, since the platform forgets the level of a logger that nobody holds. */
  private static final Logger OURS = Logger.getLogger("dev.fairlead");

  private LogLevel() {}

  /** Sets it: {@code debug}, {@code info}, {@code warn} or {@code error}. */
  static void set(String word) {
    Level level =
        switch (word) {
          case "debug" -> Level.FINE;
          case "warn" -> Level.WARNING;
          case "error" -> Level.SEVERE;
          default -> Level.INFO;
        };
    OURS.setLevel(level);
    for (Handler handler : Logger.getLogger("").getHandlers()) {
      if (handler.getLevel().intValue() > level.intValue()) {
        handler.setLevel(level);
      }
    }
  }
}
