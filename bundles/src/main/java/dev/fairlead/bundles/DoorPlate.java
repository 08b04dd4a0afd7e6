// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Says to whoever may read the folder where the API listens: the file {@code url} holds one line,
 * {@code http://HOST:PORT}.
 */
public final class DoorPlate {

  private static final System.Logger LOG = System.getLogger(DoorPlate.class.getName());
  private static final int MOST_BYTES = 1024;

  private final Path file;

  /**
   * Makes one.
   *
   * @param folder that of the {@link Shelf}
   */
  public DoorPlate(Path folder) {
    this.file = folder.resolve("url");
  }

  /** Says where the API listens. */
  void hang(InetSocketAddress address) {
    String host =
        address.getAddress().isAnyLocalAddress()
            ? "127.0.0.1"
            : address.getAddress().getHostAddress();
    String url =
        "http://%s:%d".formatted(host.contains(":") ? "[" + host + "]" : host, address.getPort());
    try {
      Shelf.makePrivate(file.resolveSibling("."));
      Shelf.write(file, (url + "\n").getBytes(UTF_8));
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "{0} cannot be written, so that the command needs --url {1}: {2}",
          file,
          url,
          e.getMessage());
    }
  }

  /** Where the API listens; empty where none does. */
  public Optional<URI> read() throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) > MOST_BYTES) {
      return Optional.empty();
    }
    try {
      return Optional.of(URI.create(Files.readString(file, UTF_8).strip()));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " holds no URL.", e);
    }
  }

  /** It listens no more. */
  void takeDown() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "{0} stays: {1}", file, e.getMessage());
    }
  }
}
