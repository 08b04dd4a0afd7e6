// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a broker of our own.
 *
 * @param folder where all that it keeps lies
 * @param program the server's file, null to look for it
 * @param host on which it listens
 * @param port on which it listens, 0 for any
 * @param advertised the host under which others reach it
 * @param names what its certificate says it is called
 * @param patience how long a change of rights waits for a server that is just starting
 */
public record BrokerSettings(
    Path folder,
    @Nullable String program,
    String host,
    int port,
    String advertised,
    List<String> names,
    Duration patience) {

  /** The last is what a guest under QEMU calls this host. */
  private static final List<String> OWN_NAMES = List.of("localhost", "127.0.0.1", "10.0.2.100");

  private static final long PATIENCE_SECONDS = 5;
  private static final long MAX_PATIENCE_SECONDS = 60;
  private static final List<String> ANY = List.of("0.0.0.0", "::");

  /**
   * Reads and checks all.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting}
   */
  public static BrokerSettings read(Function<String, @Nullable String> settings) {
    String host = host(settings, "host", "127.0.0.1");
    String advertised = host(settings, "advertise", ANY.contains(host) ? "127.0.0.1" : host);
    Set<String> names = new LinkedHashSet<>(OWN_NAMES);
    if (!ANY.contains(host)) {
      names.add(host);
    }
    names.add(advertised);
    String more = settings.apply("names");
    if (more != null && !more.isBlank()) {
      for (String name : more.split(",", -1)) {
        names.add(requireHost("names", name.strip()));
      }
    }
    return new BrokerSettings(
        Path.of(required(settings, "dir")).toAbsolutePath(),
        settings.apply("program"),
        host,
        port(settings.apply("port")),
        advertised,
        new ArrayList<>(names),
        patience(settings.apply("patience.seconds")));
  }

  private static Duration patience(@Nullable String text) {
    try {
      long seconds = text == null || text.isBlank() ? PATIENCE_SECONDS : Long.parseLong(text);
      if (seconds >= 0 && seconds <= MAX_PATIENCE_SECONDS) {
        return Duration.ofSeconds(seconds);
      }
    } catch (NumberFormatException e) {
      throw bad("patience.seconds", "is no number from 0 to " + MAX_PATIENCE_SECONDS);
    }
    throw bad("patience.seconds", "is no number from 0 to " + MAX_PATIENCE_SECONDS);
  }

  /** Where this very machine reaches it. */
  public String localHost() {
    return ANY.contains(host) ? "127.0.0.1" : host;
  }

  /** Host and port as a URI writes them. */
  public static String authority(String host, int port) {
    boolean bare = host.indexOf(':') >= 0 && !host.startsWith("[");
    return (bare ? "[" + host + "]" : host) + ":" + port;
  }

  /**
   * A setting that must be there.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting}
   */
  public static String required(Function<String, @Nullable String> settings, String name) {
    String value = settings.apply(name);
    if (value == null || value.isBlank()) {
      throw bad(name, "is missing");
    }
    return value;
  }

  private static String host(
      Function<String, @Nullable String> settings, String name, String otherwise) {
    String value = settings.apply(name);
    return value == null || value.isBlank() ? otherwise : requireHost(name, value);
  }

  /** A host's name or address; it goes into a configuration file. */
  private static String requireHost(String setting, String text) {
    boolean fits = !text.isEmpty() && text.length() <= 253;
    for (int i = 0; fits && i < text.length(); i++) {
      char c = text.charAt(i);
      fits =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-'
              || c == ':';
    }
    if (!fits) {
      throw bad(setting, "is no host name or IP address");
    }
    return text;
  }

  private static int port(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return 0;
    }
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      throw bad("port", "is no number from 0 to 65535");
    }
    throw bad("port", "is no number from 0 to 65535");
  }

  /** What is wrong with a setting, as an exception to throw. */
  public static TransportException bad(String setting, String what) {
    return new TransportException(
        REFUSED, "bad-setting", "Setting '" + setting + "' " + what + ".");
  }
}
