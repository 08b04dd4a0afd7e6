// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.vsock.hub.Gate;
import dev.fairlead.transport.vsock.wire.Place;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Lets in whom the book says. */
final class BookGate implements Gate {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private final Book book;
  private final boolean follow;
  private final InstantSource clock;

  /**
   * Makes one.
   *
   * @param follow whether another process writes the book
   */
  BookGate(Book book, boolean follow, InstantSource clock) {
    this.book = book;
    this.follow = follow;
    this.clock = clock;
  }

  static String hash(String credential) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(credential.getBytes(ISO_8859_1)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  @Override
  public Pass open(String credential) {
    String hash = hash(credential);
    Pass pass = book.page().issued().get(hash);
    if (pass == null && follow) {
      refresh();
      pass = book.page().issued().get(hash);
    }
    TransportException refusal = pass == null ? refusal(hash) : holds(pass);
    if (pass == null || refusal != null) {
      throw refusal == null ? refusal(hash) : refusal;
    }
    return pass;
  }

  @Override
  public @Nullable TransportException holds(Pass pass) {
    if (!book.page().issued().containsKey(pass.key())) {
      Instant now = clock.instant();
      return now.isBefore(pass.expiresAt()) ? refusal(pass.key()) : expired();
    }
    return clock.instant().isBefore(pass.expiresAt()) ? null : expired();
  }

  @Override
  public Map<Place, String> admitted() {
    if (follow) {
      refresh();
    }
    return book.page().admitted();
  }

  private void refresh() {
    try {
      book.refresh();
    } catch (IOException | TransportException e) {
      LOG.log(Level.ERROR, "The book of credentials cannot be read; what it said holds on.", e);
    }
  }

  private TransportException refusal(String hash) {
    return book.page().revoked().containsKey(hash)
        ? refuse("credential-revoked", "The credential was revoked: ask for a new one.")
        : refuse("credential-unknown", "The hub does not know this credential: ask for a new one.");
  }

  private static TransportException expired() {
    return refuse("credential-expired", "The credential has expired: ask for a new one.");
  }

  private static TransportException refuse(String code, String sentence) {
    return new TransportException(REFUSED, code, sentence);
  }
}
