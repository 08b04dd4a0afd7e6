// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.PrivateFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What must be remembered of the credentials that were issued, so that they can be revoked, also
 * after a restart. Safe for use by several threads.
 *
 * <p>The file is text, one fact a line, words parted by one space, written anew as a whole each
 * time (to a file beside it, synced, then moved over it):
 *
 * <pre>
 * fairlead-nats-book 1                       first line: what this is, and its version
 * port 44985                                 where the child listened last; 0 when never
 * issued-at 1761955200                       the latest time stamp given to an account's JWT
 * template SA… eyJ…                          seed of a scoped signing key; its template, base64url
 * issued 123 U… 1761958800                   subject, public key of its user, expiry
 * revoked U… 1761958800                      public key of a revoked user, expiry
 * end                                        last line: nothing was cut off
 * </pre>
 *
 * Times are seconds since 1970. What has expired is left out at the next writing.
 */
final class IssuedBook {

  /** One credential that may still be in use. */
  record Issued(String subject, long expiresAt) {}

  private static final String HEAD = "fairlead-nats-book 1";

  private final Path file;
  private int port;
  private long issuedAt;
  private final Map<String, String> templates = new LinkedHashMap<>(); // template → seed
  private final Map<String, Issued> issued = new HashMap<>(); // user's public key → …
  private final Map<String, Long> revoked = new TreeMap<>(); // user's public key → expiry

  private IssuedBook(Path file) {
    this.file = file;
  }

  /**
   * Reads the book, or begins a new one where there is none.
   *
   * @throws TransportException {@code REFUSED}, code {@code corrupt-state}
   */
  static IssuedBook open(Path file) throws IOException {
    IssuedBook book = new IssuedBook(file);
    if (PrivateFiles.exists(file)) {
      List<String> lines = PrivateFiles.read(file).lines().toList();
      try {
        book.read(lines);
      } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
        throw new TransportException(
            REFUSED,
            "corrupt-state",
            "'"
                + file
                + "' is damaged: restore it from a backup, or remove its folder to begin anew with all credentials void.",
            e);
      }
    }
    return book;
  }

  private void read(List<String> lines) {
    if (!lines.get(0).equals(HEAD) || !lines.get(lines.size() - 1).equals("end")) {
      throw new IllegalArgumentException("No head or no end.");
    }
    for (String line : lines.subList(1, lines.size() - 1)) {
      String[] words = line.split(" ", -1);
      switch (words[0]) {
        case "port" -> port = Integer.parseInt(words[1]);
        case "issued-at" -> issuedAt = Long.parseLong(words[1]);
        case "template" ->
            templates.put(new String(Base64.getUrlDecoder().decode(words[2]), UTF_8), words[1]);
        case "issued" -> issued.put(words[2], new Issued(words[1], Long.parseLong(words[3])));
        case "revoked" -> revoked.put(words[1], Long.parseLong(words[2]));
        default -> throw new IllegalArgumentException("Unknown word.");
      }
    }
  }

  /** Forgets what has expired, and writes all. */
  synchronized void save(long now) throws IOException {
    issued.values().removeIf(entry -> entry.expiresAt() <= now);
    revoked.values().removeIf(expiry -> expiry <= now);
    StringBuilder text = new StringBuilder(HEAD).append('\n');
    text.append("port ").append(port).append('\n');
    text.append("issued-at ").append(issuedAt).append('\n');
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    templates.forEach(
        (template, seed) ->
            text.append("template ")
                .append(seed)
                .append(' ')
                .append(base64.encodeToString(template.getBytes(UTF_8)))
                .append('\n'));
    issued.forEach(
        (user, entry) ->
            text.append("issued ")
                .append(entry.subject())
                .append(' ')
                .append(user)
                .append(' ')
                .append(entry.expiresAt())
                .append('\n'));
    revoked.forEach(
        (user, expiry) ->
            text.append("revoked ").append(user).append(' ').append(expiry).append('\n'));
    PrivateFiles.write(file, text.append("end\n").toString());
  }

  synchronized int port() {
    return port;
  }

  synchronized void port(int port) {
    this.port = port;
  }

  /** A time stamp for an account's JWT: now, but never before an earlier one. */
  synchronized long stamp(long now) {
    issuedAt = Math.max(now, issuedAt);
    return issuedAt;
  }

  /** Seeds of scoped signing keys by their templates. */
  synchronized Map<String, String> templates() {
    return Map.copyOf(templates);
  }

  synchronized void addTemplate(String template, String seed) {
    templates.put(template, seed);
  }

  synchronized void removeTemplate(String template) {
    templates.remove(template);
  }

  synchronized void issued(String subject, String user, long expiresAt) {
    issued.put(user, new Issued(subject, expiresAt));
  }

  /** Marks all credentials of a subject as revoked, and says whether there was one. */
  synchronized boolean revoke(String subject) {
    boolean any = false;
    for (Iterator<Map.Entry<String, Issued>> all = issued.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<String, Issued> entry = all.next();
      if (entry.getValue().subject().equals(subject)) {
        revoked.put(entry.getKey(), entry.getValue().expiresAt());
        all.remove();
        any = true;
      }
    }
    return any;
  }

  /** Subjects that hold a credential which is good still. */
  synchronized Set<String> subjects(long now) {
    return issued.values().stream()
        .filter(entry -> entry.expiresAt() > now)
        .map(Issued::subject)
        .collect(Collectors.toSet());
  }

  /** Public keys of revoked users, with the expiry of their credentials. */
  synchronized Map<String, Long> revoked() {
    return new TreeMap<>(revoked);
  }
}
