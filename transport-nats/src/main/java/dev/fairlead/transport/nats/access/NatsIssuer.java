// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.nats.NatsCredential;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Issues user JWTs, each with a key of its own: to revoke is to name the keys that a subject was
 * given, so a later credential is never caught by it, whatever clocks say.
 */
final class NatsIssuer implements CredentialIssuer {

  private static final Duration MAX_LIFETIME = Duration.ofDays(30);
  private static final int MAX_CONTENT = 1200;

  private final Endpoint endpoint;
  private final Account account;
  private final IssuedBook book;
  private final InstantSource clock;
  private final SecureRandom random;
  private boolean closed;

  NatsIssuer(
      Endpoint endpoint,
      Account account,
      IssuedBook book,
      InstantSource clock,
      SecureRandom random) {
    this.endpoint = endpoint;
    this.account = account;
    this.book = book;
    this.clock = clock;
    this.random = random;
  }

  @Override
  public String transport() {
    return "nats";
  }

  @Override
  public Endpoint endpoint() {
    return endpoint;
  }

  @Override
  public synchronized Credential issue(Grant grant, Duration lifetime) {
    requireOpen();
    if (lifetime.isNegative() || lifetime.isZero() || lifetime.compareTo(MAX_LIFETIME) > 0) {
      throw new TransportException(
          REFUSED,
          "bad-lifetime",
          "A credential lives longer than 0 s and at most " + MAX_LIFETIME.toDays() + " days.");
    }
    Instant now = clock.instant();
    long expiresAt = now.plus(lifetime).plusMillis(999).getEpochSecond(); // whole seconds, upwards
    try {
      Account.Signing signing = account.signing(grant, book, now.getEpochSecond());
      Nkey user = Nkey.create(Nkey.Kind.USER, random);
      String jwt =
          Jwt.sign(
              signing.key(),
              user.publicKey(),
              grant.subject(),
              now.getEpochSecond(),
              expiresAt,
              signing.claims());
      String content = NatsCredential.content(jwt, user.seed());
      if (content.length() > MAX_CONTENT) {
        throw new TransportException(
            REFUSED,
            "grant-too-large",
            "The credential would have %d characters; %d is the most: grant fewer patterns."
                .formatted(content.length(), MAX_CONTENT));
      }
      store(account.store().subjects(grant), now);
      // Known before it is handed out: what nobody remembers, nobody can revoke.
      book.issued(grant.subject(), user.publicKey(), expiresAt);
      book.save(now.getEpochSecond());
      return new Credential(grant.subject(), content, Instant.ofEpochSecond(expiresAt));
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  @Override
  public synchronized void revoke(String subject) {
    requireOpen();
    Message.requireAddress("subject/" + subject);
    String missing = account.cannotRevoke();
    if (missing != null) {
      throw new TransportException(REFUSED, "cannot-revoke", missing);
    }
    long now = clock.instant().getEpochSecond();
    try {
      if (book.revoke(subject)) {
        book.stamp(now);
        book.save(now); // a broker that is down now hears of it when it comes up
        account.push(book, now);
      }
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  private void store(List<String> subjects, Instant now) {
    StoreSettings store = account.store();
    if (!store.isEmpty()) {
      account.store(
          subjects,
          book.subjects(now.getEpochSecond()).stream()
              .flatMap(subject -> store.subjects(subject).stream())
              .collect(Collectors.toSet()));
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      account.close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new TransportException(BROKEN, "closed", "This issuer is closed: open another.");
    }
  }

  private static TransportException notWritten(IOException e) {
    return new TransportException(
        RETRY, "state-not-written", "What was issued cannot be written down: " + e.getMessage(), e);
  }
}
