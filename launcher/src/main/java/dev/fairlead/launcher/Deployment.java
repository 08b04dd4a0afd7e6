// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What runs in one framework: bundles, in the order of their start, and their configuration. All
 * variables are resolved.
 *
 * <p>Its file is UTF-8 text, one statement a line; blank lines and lines that begin with {@code #}
 * mean nothing:
 *
 * <pre>
 * fairlead-deployment 1           the format's version, first
 * name agent-nats
 * property key=value              of the framework
 * bundle bundles/scr-2.2.18.jar   installed and started; a path, relative to the file's folder
 * install bundles/x-1.0.jar       installed only
 * after some.Service bundles/y.jar  installed and started once such a service is there
 * config dev.fairlead.agent       a configuration's PID; its values follow
 * set port:Integer=9031           String where no type is named; Integer, Long, Boolean, String[]
 * </pre>
 *
 * A {@code String[]} is written with {@code \n} (backslash, n) between its elements; in values a
 * backslash is doubled and a line break is {@code \n}.
 *
 * @param name for messages
 * @param properties of the framework
 * @param bundles in the order of their start
 * @param configurations by PID; values are String, Integer, Long, Boolean or String[]
 */
public record Deployment(
    String name,
    Map<String, String> properties,
    List<Entry> bundles,
    Map<String, Map<String, Object>> configurations) {

  private static final String HEAD = "fairlead-deployment 1";
  private static final long MAX_BYTES = 1 << 20;

  /**
   * A bundle.
   *
   * @param started whether it is started, or installed only
   * @param after it is installed and started once a service of this type is there; null: at once
   */
  public record Entry(Path jar, boolean started, @Nullable String after) {

    /** A bundle that waits for nothing. */
    public Entry(Path jar, boolean started) {
      this(jar, started, null);
    }
  }

  /** Copies what it is given, keeping the order. */
  public Deployment {
    properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
    bundles = List.copyOf(bundles);
    Map<String, Map<String, Object>> copy = new LinkedHashMap<>();
    configurations.forEach(
        (pid, values) -> copy.put(pid, Collections.unmodifiableMap(new LinkedHashMap<>(values))));
    configurations = Collections.unmodifiableMap(copy);
  }

  /**
   * Reads a file.
   *
   * @throws IOException when it cannot be read, or is no deployment: the message names the line
   */
  public static Deployment read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is larger than any deployment.");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException(file + " lies in no folder.");
    }
    String name = file.toString();
    Map<String, String> properties = new LinkedHashMap<>();
    List<Entry> bundles = new ArrayList<>();
    Map<String, Map<String, Object>> configurations = new LinkedHashMap<>();
    Map<String, Object> current = null;
    int number = 0;
    for (String line : Files.readAllLines(file, UTF_8)) {
      number++;
      if (number == 1) {
        if (!line.equals(HEAD)) {
          throw new IOException(file + ": the first line is not '" + HEAD + "'.");
        }
        continue;
      }
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      int blank = line.indexOf(' ');
      String word = blank < 0 ? line : line.substring(0, blank);
      String rest = blank < 0 ? "" : line.substring(blank + 1);
      switch (word) {
        case "name" -> name = rest;
        case "property" -> {
          int equals = rest.indexOf('=');
          if (equals < 1) {
            throw malformed(file, number, line);
          }
          properties.put(rest.substring(0, equals), unescape(rest.substring(equals + 1)));
        }
        case "bundle", "install" ->
            bundles.add(new Entry(folder.resolve(rest), word.equals("bundle")));
        case "after" -> {
          int end = rest.indexOf(' ');
          if (end < 1) {
            throw malformed(file, number, line);
          }
          bundles.add(
              new Entry(folder.resolve(rest.substring(end + 1)), true, rest.substring(0, end)));
        }
        case "config" -> {
          current = new LinkedHashMap<>();
          configurations.put(rest, current);
        }
        case "set" -> {
          int equals = rest.indexOf('=');
          if (equals < 1 || current == null) {
            throw malformed(file, number, line);
          }
          put(current, rest.substring(0, equals), rest.substring(equals + 1), file, number);
        }
        default -> throw malformed(file, number, line);
      }
    }
    if (number == 0) {
      throw new IOException(file + " is empty.");
    }
    return new Deployment(name, properties, bundles, configurations);
  }

  /** The file's text; the paths of bundles are written as {@code folder} sees them. */
  public String format(Path folder) {
    StringBuilder text = new StringBuilder(HEAD).append("\nname ").append(name).append('\n');
    properties.forEach(
        (key, value) ->
            text.append("property ").append(key).append('=').append(escape(value)).append('\n'));
    for (Entry entry : bundles) {
      Path jar = entry.jar().startsWith(folder) ? folder.relativize(entry.jar()) : entry.jar();
      String after = entry.after();
      text.append(after != null ? "after " + after + " " : entry.started() ? "bundle " : "install ")
          .append(jar)
          .append('\n');
    }
    configurations.forEach(
        (pid, values) -> {
          text.append("config ").append(pid).append('\n');
          values.forEach(
              (key, value) -> text.append("set ").append(key).append(typed(value)).append('\n'));
        });
    return text.toString();
  }

  private static void put(
      Map<String, Object> values, String typedKey, String text, Path file, int number)
      throws IOException {
    int colon = typedKey.lastIndexOf(':');
    String key = colon < 0 ? typedKey : typedKey.substring(0, colon);
    String type = colon < 0 ? "String" : typedKey.substring(colon + 1);
    try {
      values.put(
          key,
          switch (type) {
            case "String" -> unescape(text);
            case "Integer" -> Integer.valueOf(text);
            case "Long" -> Long.valueOf(text);
            case "Boolean" -> Boolean.valueOf(text);
            case "String[]" -> text.isEmpty() ? new String[0] : unescape(text).split("\n", -1);
            default -> throw malformed(file, number, type);
          });
    } catch (NumberFormatException e) {
      throw new IOException("%s, line %d: '%s' is no %s.".formatted(file, number, text, type), e);
    }
  }

  private static String typed(Object value) {
    if (value instanceof String text) {
      return "=" + escape(text);
    }
    if (value instanceof String[] list) {
      return ":String[]=" + escape(String.join("\n", list));
    }
    return ":" + value.getClass().getSimpleName() + "=" + value;
  }

  private static String escape(String text) {
    return text.replace("\\", "\\\\").replace("\n", "\\n");
  }

  private static String unescape(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    StringBuilder plain = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        i++;
        plain.append(text.charAt(i) == 'n' ? '\n' : text.charAt(i));
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }

  private static IOException malformed(Path file, int number, String what) {
    return new IOException("%s, line %d: '%s' is no statement.".formatted(file, number, what));
  }
}
