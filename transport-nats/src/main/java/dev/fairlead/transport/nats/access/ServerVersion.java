// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a nats-server's version means. */
final class ServerVersion {

  private static final Pattern VERSION = Pattern.compile("v(\\d{1,4})\\.(\\d{1,4})\\.");
  private static final int MAX_BYTES = 256;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private ServerVersion() {}

  /**
   * Asks a program whether it can sync each message.
   *
   * @throws TransportException {@code REFUSED}, code {@code server-too-old}
   */
  static void requireSync(Path program) {
    requireSync(program, PATIENCE);
  }

  static void requireSync(Path program, Duration patience) {
    String said = "";
    Process process = null;
    try {
      process = new ProcessBuilder(program.toString(), "-v").redirectErrorStream(true).start();
      // What it says is short, so that it ends without a reader.
      if (!process.waitFor(patience.toMillis(), MILLISECONDS)) {
        throw tooOld("it does not say its version within " + patience.toMillis() + " ms", null);
      }
      said = new String(process.getInputStream().readNBytes(MAX_BYTES), US_ASCII);
    } catch (IOException e) {
      throw tooOld("it does not say its version", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransportException(
          RETRY, "interrupted", "The question for the server's version was interrupted.", e);
    } finally {
      if (process != null) {
        process.destroyForcibly();
      }
    }
    if (!canSync(said)) {
      throw tooOld(said.strip(), null);
    }
  }

  static boolean canSync(String said) {
    Matcher version = VERSION.matcher(said);
    if (!version.find()) {
      return false;
    }
    int major = Integer.parseInt(version.group(1));
    return major > 2 || (major == 2 && Integer.parseInt(version.group(2)) >= 10);
  }

  private static TransportException tooOld(String said, @Nullable Throwable cause) {
    return new TransportException(
        REFUSED,
        "server-too-old",
        "store.sync=always needs nats-server 2.10 or later, and this is '%s': install that, or be content with 'grouped'."
            .formatted(said),
        cause);
  }
}
