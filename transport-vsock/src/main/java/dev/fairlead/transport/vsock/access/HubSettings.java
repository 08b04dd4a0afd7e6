// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.vsock.wire.Place;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a hub.
 *
 * @param folder where all that it keeps lies, and its socket
 * @param port of AF_VSOCK
 * @param apart whether the hub is a process of its own, which somebody else starts
 */
record HubSettings(Path folder, int port, boolean apart) {

  private static final int DEFAULT_PORT = 9998;
  private static final int MAX_PORT = 65_535;

  static HubSettings read(Function<String, @Nullable String> settings) {
    String dir = settings.apply("dir");
    if (dir == null || dir.isBlank()) {
      throw bad("dir", "is missing");
    }
    String hub = settings.apply("hub");
    if (hub != null && !hub.isBlank() && !hub.equals("inside") && !hub.equals("apart")) {
      throw bad("hub", "is neither 'inside' nor 'apart'");
    }
    return of(dir, settings.apply("port"), "apart".equals(hub));
  }

  static HubSettings of(String dir, @Nullable String port, boolean apart) {
    Path folder;
    try {
      folder = Path.of(dir).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw bad("dir", "is no path");
    }
    HubSettings read = new HubSettings(folder, port(port), apart);
    if (read.socket().toString().getBytes(StandardCharsets.UTF_8).length > Place.MAX_PATH) {
      throw bad("dir", "is too long a path for a socket in it: choose a shorter one");
    }
    return read;
  }

  private static int port(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return DEFAULT_PORT;
    }
    try {
      int port = Integer.parseInt(text);
      if (port > 0 && port <= MAX_PORT) {
        return port;
      }
    } catch (NumberFormatException e) {
      throw bad("port", "is no number from 1 to 65535");
    }
    throw bad("port", "is no number from 1 to 65535");
  }

  Path book() {
    return folder.resolve("book");
  }

  Path socket() {
    return folder.resolve("hub.sock");
  }

  URI hostEndpoint() {
    return URI.create("unix://" + socket().toUri().getRawPath());
  }

  URI guestEndpoint() {
    return URI.create("vsock://2:" + port);
  }

  static TransportException bad(String setting, String what) {
    return new TransportException(
        REFUSED, "bad-setting", "Setting '" + setting + "' " + what + ".");
  }
}
