// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a transport is told where no issuer is in this process. The file with the credential is read
 * at each connect, so that whoever renews it only has to replace it.
 */
final class TransportSettings implements Function<String, @Nullable String> {

  private static final System.Logger LOG = System.getLogger(TransportSettings.class.getName());
  private static final int MOST_BYTES = 8 << 10;

  private final @Nullable String endpoint;
  private final @Nullable String caSha256;
  private final @Nullable Path credential;

  TransportSettings(
      @Nullable String endpoint, @Nullable String caSha256, @Nullable Path credential) {
    this.endpoint = endpoint;
    this.caSha256 = caSha256;
    this.credential = credential;
  }

  /** Whether they suffice to connect. */
  boolean isWhole() {
    return endpoint != null;
  }

  @Override
  public @Nullable String apply(String name) {
    return switch (name) {
      case TransportProvider.ENDPOINT -> endpoint;
      case TransportProvider.CA_SHA256 -> caSha256;
      case TransportProvider.CREDENTIAL -> credential == null ? null : read(credential);
      default -> null;
    };
  }

  private static @Nullable String read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(MOST_BYTES + 1);
      if (content.length <= MOST_BYTES) {
        return new String(content, US_ASCII).trim();
      }
      LOG.log(WARNING, "The credential in {0} is larger than any credential.", file);
    } catch (IOException e) {
      LOG.log(WARNING, "The credential in {0} cannot be read: {1}", file, e);
    }
    return null;
  }
}
