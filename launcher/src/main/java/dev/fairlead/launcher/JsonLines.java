// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The log on standard error: one JSON object a line, {@code level}, {@code message}, {@code ts}.
 */
public final class JsonLines extends Formatter {

  // The libraries tell of each reconnect in their own words; ours are told by the transports. Kept
  // here, because a logger that nobody holds forgets its level.
  private static final Logger JNATS = Logger.getLogger("io.nats");
  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");

  private static final int MAX_TRACE = 8192;

  /** Made by {@link #install}. */
  public JsonLines() {}

  /**
   * Makes it the log of this process.
   *
   * @param level {@code debug}, {@code info}, {@code warn} or {@code error}
   */
  public static void install(String level) {
    Logger root = Logger.getLogger("");
    for (Handler old : root.getHandlers()) {
      root.removeHandler(old);
    }
    Level least =
        switch (level) {
          case "debug" -> Level.FINE;
          case "warn" -> Level.WARNING;
          case "error" -> Level.SEVERE;
          default -> Level.INFO;
        };
    ConsoleHandler handler = new ConsoleHandler();
    handler.setFormatter(new JsonLines());
    handler.setLevel(least);
    root.addHandler(handler);
    root.setLevel(Level.INFO);
    Logger.getLogger("dev.fairlead").setLevel(least);
    JNATS.setLevel(Level.WARNING);
    PAHO.setLevel(Level.OFF);
  }

  @Override
  public String format(LogRecord log) {
    StringBuilder line = new StringBuilder(160).append("{\"level\":\"");
    line.append(word(log.getLevel())).append("\",\"message\":");
    quote(line, formatMessage(log));
    line.append(",\"ts\":\"").append(Instant.ofEpochMilli(log.getMillis())).append('"');
    line.append(",\"logger\":");
    quote(line, String.valueOf(log.getLoggerName()));
    if (log.getThrown() != null) {
      StringWriter trace = new StringWriter();
      log.getThrown().printStackTrace(new PrintWriter(trace));
      String text = trace.toString();
      line.append(",\"trace\":");
      quote(line, text.length() > MAX_TRACE ? text.substring(0, MAX_TRACE) : text);
    }
    return line.append("}\n").toString();
  }

  private static String word(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return "error";
    }
    if (value >= Level.WARNING.intValue()) {
      return "warn";
    }
    return value >= Level.INFO.intValue() ? "info" : "debug";
  }

  private static void quote(StringBuilder line, String text) {
    line.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> line.append("\\\"");
        case '\\' -> line.append("\\\\");
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (c < ' ') {
            line.append("\\u00")
                .append(Character.forDigit(c >> 4, 16))
                .append(Character.forDigit(c & 15, 16));
          } else {
            line.append(c);
          }
        }
      }
    }
    line.append('"');
  }
}
