// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.vsock.VsockTransportProvider;
import dev.fairlead.transport.vsock.hub.Hub;
import dev.fairlead.transport.vsock.hub.Limits;
import dev.fairlead.transport.vsock.wire.Place;
import java.io.IOException;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Issues credentials, which are random and mean nothing but what the book says of them, and admits
 * peers. The hub is in this process, or in one of its own that follows the book.
 */
final class VsockIssuer implements CredentialIssuer, PeerAdmission {

  private static final Duration MAX_LIFETIME = Duration.ofDays(30);
  private static final int SECRET_BYTES = 32;
  private static final int MAX_PATTERNS = 64;

  private final HubSettings settings;
  private final FolderLock lock;
  private final Book book;
  private final @Nullable Hub hub;
  private final @Nullable FolderLock hubLock;
  private final InstantSource clock;
  private final SecureRandom random;
  private final Map<Place, Integer> admissions = new HashMap<>();
  private boolean closed;

  private VsockIssuer(
      HubSettings settings,
      FolderLock lock,
      Book book,
      @Nullable Hub hub,
      @Nullable FolderLock hubLock,
      InstantSource clock,
      SecureRandom random) {
    this.settings = settings;
    this.lock = lock;
    this.book = book;
    this.hub = hub;
    this.hubLock = hubLock;
    this.clock = clock;
    this.random = random;
  }

  /** Opens one, with its hub where that is to be in this process. */
  static VsockIssuer open(HubSettings settings, InstantSource clock, SecureRandom random) {
    try {
      FolderLock lock = FolderLock.take(settings.folder(), "issuer");
      FolderLock hubLock = null;
      try {
        Book book = Book.open(settings.book());
        book.admitted(Map.of(), clock.instant());
        Hub hub = null;
        if (!settings.apart()) {
          hubLock = FolderLock.take(settings.folder(), "hub");
          hub =
              Hub.start(
                  new BookGate(book, false, clock),
                  Limits.DEFAULT,
                  settings.port(),
                  new Place.Unix(settings.socket()));
        }
        return new VsockIssuer(settings, lock, book, hub, hubLock, clock, random);
      } catch (IOException | RuntimeException e) {
        lock.close();
        if (hubLock != null) {
          hubLock.close();
        }
        throw e;
      }
    } catch (IOException e) {
      throw new TransportException(
          RETRY,
          "hub-not-started",
          "The hub cannot start in '%s': %s".formatted(settings.folder(), e.getMessage()),
          e);
    }
  }

  @Override
  public String transport() {
    return VsockTransportProvider.NAME;
  }

  @Override
  public Endpoint endpoint() {
    return new Endpoint(settings.hostEndpoint(), null);
  }

  @Override
  public Endpoint guestEndpoint() {
    return new Endpoint(settings.guestEndpoint(), null);
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
    if (grant.sends().size() + grant.receives().size() > MAX_PATTERNS) {
      throw new TransportException(
          REFUSED,
          "grant-too-large",
          "The grant has more than " + MAX_PATTERNS + " patterns: grant fewer, or wider ones.");
    }
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    String content = "fv1." + Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    Instant now = clock.instant();
    Instant expiresAt = now.plus(lifetime).plusNanos(999_999).truncatedTo(ChronoUnit.MILLIS);
    try {
      book.issued(BookGate.hash(content), grant, expiresAt, now);
    } catch (IOException e) {
      throw notWritten(e);
    }
    return new Credential(grant.subject(), content, expiresAt);
  }

  @Override
  public synchronized void revoke(String subject) {
    requireOpen();
    Message.requireAddress("subject/" + subject);
    try {
      if (book.revoke(subject, clock.instant())) {
        tellHub();
      }
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  @Override
  public synchronized Admission admit(String subject, URI peer) {
    requireOpen();
    Message.requireAddress("subject/" + subject);
    Place place = Place.parse(peer.toString());
    if (place == null
        || (place instanceof Place.Machine machine
            && (machine.port() >= 0 || machine.cid() == 0 || machine.cid() == 2))) {
      throw new TransportException(
          REFUSED,
          "bad-peer",
          "A peer is vsock://<cid> of a VM, or unix:///<path> of at most "
              + Place.MAX_PATH
              + " bytes.");
    }
    if (place instanceof Place.Unix unix && !unix.port(settings.port()).fits()) {
      throw new TransportException(
          REFUSED, "bad-peer", "The peer's path has no room for the port: choose a shorter one.");
    }
    Map<Place, String> admitted = new HashMap<>(book.page().admitted());
    String before = admitted.put(place, subject);
    if (before != null && !before.equals(subject)) {
      throw new TransportException(
          REFUSED,
          "peer-taken",
          "This peer is admitted as '" + before + "': end that VM before, or choose another.");
    }
    write(admitted);
    admissions.merge(place, 1, Integer::sum);
    if (hub != null && !hub.isOpen(place)) {
      dismiss(place);
      throw new TransportException(
          RETRY,
          "peer-not-reachable",
          "Nobody can listen for " + place + ": see whether its folder exists, and AF_VSOCK.");
    }
    AtomicBoolean open = new AtomicBoolean(true);
    return () -> {
      if (open.compareAndSet(true, false)) {
        dismiss(place);
      }
    };
  }

  private synchronized void dismiss(Place place) {
    if (admissions.merge(place, -1, Integer::sum) <= 0) {
      admissions.remove(place);
      Map<Place, String> admitted = new HashMap<>(book.page().admitted());
      if (admitted.remove(place) != null && !closed) {
        write(admitted);
      }
    }
  }

  private void write(Map<Place, String> admitted) {
    try {
      book.admitted(admitted, clock.instant());
    } catch (IOException e) {
      throw notWritten(e);
    }
    tellHub();
  }

  private void tellHub() {
    if (hub != null) {
      hub.reconcile();
    }
  }

  /** How many ends are connected to the hub in this process; 0 where it is apart. */
  int connections() {
    return hub == null ? 0 : hub.connections();
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      if (hub != null) {
        hub.close();
      }
      if (hubLock != null) {
        hubLock.close();
      }
      lock.close();
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
