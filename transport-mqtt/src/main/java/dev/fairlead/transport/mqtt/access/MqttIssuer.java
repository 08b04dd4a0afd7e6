// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.mqtt.MqttCredential;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;

/**
 * Issues users of a broker, each with a password and a role of its own. The broker knows no expiry,
 * so it is enforced from here: by a timer, and at each start from the book.
 */
final class MqttIssuer implements CredentialIssuer {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");
  private static final Duration MAX_LIFETIME = Duration.ofDays(30);
  private static final long TICK_MILLIS = 250;

  private final Endpoint endpoint;
  private final Users users;
  private final Book book;
  private final InstantSource clock;
  private final SecureRandom random;
  private final ScheduledThreadPoolExecutor timer;
  private boolean untidy;
  private boolean closed;

  MqttIssuer(Endpoint endpoint, Users users, Book book, InstantSource clock, SecureRandom random) {
    this.endpoint = endpoint;
    this.users = users;
    this.book = book;
    this.clock = clock;
    this.random = random;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "fairlead-mqtt-access");
              thread.setDaemon(true);
              return thread;
            });
    var unused =
        timer.scheduleWithFixedDelay(this::enforce, TICK_MILLIS, TICK_MILLIS, MILLISECONDS);
  }

  @Override
  public String transport() {
    return "mqtt";
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
    long expiresAt = clock.instant().plus(lifetime).plusMillis(999).getEpochSecond();
    String user =
        book.name() + '.' + grant.subject() + '.' + HexFormat.of().toHexDigits(random.nextLong());
    String password = Passwords.create(random);
    String salt = Passwords.salt(random);
    Member member =
        new Member(
            user,
            grant.subject(),
            expiresAt,
            salt,
            Passwords.hash(password, salt),
            grant.sends(),
            grant.receives());
    // Known before it is handed out: what nobody remembers, nobody can revoke.
    book.add(member);
    boolean done = false;
    try {
      book.save();
      users.add(member, password);
      done = true;
    } catch (IOException e) {
      throw notWritten(e);
    } finally {
      if (!done) {
        book.remove(List.of(user));
        untidy = true;
      }
    }
    return new Credential(
        grant.subject(),
        new MqttCredential(user, password).content(),
        Instant.ofEpochSecond(expiresAt));
  }

  @Override
  public synchronized void revoke(String subject) {
    requireOpen();
    Message.requireAddress("subject/" + subject);
    List<String> revoked = book.users(subject);
    if (!revoked.isEmpty()) {
      remove(revoked);
    }
  }

  private void remove(List<String> gone) {
    book.remove(gone);
    untidy = true; // until the broker has done it; one that is down hears of it when it comes up
    try {
      book.save();
    } catch (IOException e) {
      throw notWritten(e);
    }
    users.remove(gone);
    untidy = false;
  }

  /** Ends what has expired, and what the broker has missed. */
  private synchronized void enforce() {
    if (closed) {
      return;
    }
    try {
      List<String> expired = book.expired(clock.instant().getEpochSecond());
      if (!expired.isEmpty()) {
        remove(expired);
      } else if (untidy) {
        book.save();
        users.tidy();
        untidy = false;
      }
    } catch (TransportException | IOException e) {
      LOG.log(Level.DEBUG, "The broker's users are put right later.", e);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    synchronized (this) {
      if (!closed) {
        closed = true;
        users.close();
      }
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
