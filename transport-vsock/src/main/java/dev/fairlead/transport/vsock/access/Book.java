// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.vsock.hub.Gate;
import dev.fairlead.transport.vsock.hub.Pattern;
import dev.fairlead.transport.vsock.wire.Place;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What must be remembered of the credentials that were issued and of the peers that are admitted;
 * also how an issuer tells them to a hub of another process, which follows the file. Safe for use
 * by several threads.
 *
 * <p>The file is text, one fact a line, words parted by one space, written anew as a whole each
 * time (to a file beside it, synced, then moved over it):
 *
 * <pre>
 * fairlead-vsock-book 1                      first line: what this is, and its version
 * issued 9f… 123 1761958800000 fl/123/up/** fl/123/down/**
 *                                            SHA-256 of the credential in hex, subject, expiry,
 *                                            patterns it may send to and receive, joined by commas,
 *                                            a - where there are none
 * revoked 9f… 1761958800000                  SHA-256 of a revoked credential, expiry
 * admitted 123 unix:///…/vsock.sock          subject, peer; not kept across the issuer's restart
 * end                                        last line: nothing was cut off
 * </pre>
 *
 * Times are milliseconds since 1970. A credential itself is not in it. What has expired is left out
 * at the next writing.
 */
final class Book {

  private static final String HEAD = "fairlead-vsock-book 1";

  /**
   * What it says; never changed.
   *
   * @param issued by the SHA-256 of the credential
   * @param revoked expiry by the SHA-256 of the credential
   * @param admitted subjects by peer
   */
  record Page(
      Map<String, Gate.Pass> issued, Map<String, Instant> revoked, Map<Place, String> admitted) {}

  private record Stamp(Object key, Object modified, long size) {}

  private final Path file;
  private volatile Page page = new Page(Map.of(), Map.of(), Map.of());
  private @Nullable Stamp stamp;

  private Book(Path file) {
    this.file = file;
  }

  /**
   * Reads the book, or begins a new one where there is none.
   *
   * @throws TransportException {@code REFUSED}, code {@code corrupt-state}
   */
  static Book open(Path file) throws IOException {
    Book book = new Book(file);
    book.refresh();
    return book;
  }

  Page page() {
    return page;
  }

  /** Reads what another process has written since. */
  synchronized void refresh() throws IOException {
    Stamp now;
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      now =
          new Stamp(
              Objects.requireNonNullElse(attributes.fileKey(), ""),
              attributes.lastModifiedTime(),
              attributes.size());
    } catch (NoSuchFileException e) {
      return;
    }
    if (!now.equals(stamp)) {
      page = read(PrivateFiles.read(file).lines().toList());
      stamp = now;
    }
  }

  private Page read(List<String> lines) {
    try {
      if (!lines.get(0).equals(HEAD) || !lines.get(lines.size() - 1).equals("end")) {
        throw new IllegalArgumentException("No head or no end.");
      }
      Map<String, Gate.Pass> issued = new HashMap<>();
      Map<String, Instant> revoked = new HashMap<>();
      Map<Place, String> admitted = new HashMap<>();
      for (String line : lines.subList(1, lines.size() - 1)) {
        String[] words = line.split(" ", -1);
        switch (words[0]) {
          case "issued" ->
              issued.put(
                  words[1],
                  new Gate.Pass(
                      words[1],
                      words[2],
                      patterns(words[4]),
                      patterns(words[5]),
                      Instant.ofEpochMilli(Long.parseLong(words[3]))));
          case "revoked" -> revoked.put(words[1], Instant.ofEpochMilli(Long.parseLong(words[2])));
          case "admitted" -> admitted.put(Objects.requireNonNull(Place.parse(words[2])), words[1]);
          default -> throw new IllegalArgumentException("A line of an unknown kind.");
        }
      }
      return new Page(Map.copyOf(issued), Map.copyOf(revoked), Map.copyOf(admitted));
    } catch (IllegalArgumentException
        | IndexOutOfBoundsException
        | NullPointerException
        | TransportException e) {
      throw new TransportException(
          REFUSED,
          "corrupt-state",
          "'"
              + file
              + "' is damaged: restore it from a backup, or remove it to begin anew with all credentials void.",
          e);
    }
  }

  private static List<Pattern> patterns(String words) {
    List<Pattern> patterns = new ArrayList<>();
    if (!words.equals("-")) {
      for (String word : words.split(",", -1)) {
        patterns.add(Pattern.of(word));
      }
    }
    return List.copyOf(patterns);
  }

  /** Notes a credential, before it is handed out. */
  synchronized void issued(String hash, Grant grant, Instant expiresAt, Instant now)
      throws IOException {
    Map<String, Gate.Pass> issued = new HashMap<>(page.issued());
    issued.put(
        hash,
        new Gate.Pass(
            hash,
            grant.subject(),
            grant.sends().stream().map(Pattern::of).toList(),
            grant.receives().stream().map(Pattern::of).toList(),
            expiresAt));
    write(new Page(issued, page.revoked(), page.admitted()), now);
  }

  /** Marks all credentials of a subject as revoked, and says whether there was one. */
  synchronized boolean revoke(String subject, Instant now) throws IOException {
    Map<String, Gate.Pass> issued = new HashMap<>(page.issued());
    Map<String, Instant> revoked = new HashMap<>(page.revoked());
    for (Gate.Pass pass : page.issued().values()) {
      if (pass.subject().equals(subject)) {
        issued.remove(pass.key());
        revoked.put(pass.key(), pass.expiresAt());
      }
    }
    if (issued.size() == page.issued().size()) {
      return false;
    }
    write(new Page(issued, revoked, page.admitted()), now);
    return true;
  }

  /** Says who is admitted now. */
  synchronized void admitted(Map<Place, String> admitted, Instant now) throws IOException {
    write(new Page(page.issued(), page.revoked(), admitted), now);
  }

  private void write(Page next, Instant now) throws IOException {
    Map<String, Gate.Pass> issued = new TreeMap<>(next.issued());
    issued.values().removeIf(pass -> !now.isBefore(pass.expiresAt()));
    Map<String, Instant> revoked = new TreeMap<>(next.revoked());
    revoked.values().removeIf(expiry -> !now.isBefore(expiry));
    StringBuilder text = new StringBuilder(HEAD).append('\n');
    issued
        .values()
        .forEach(
            pass ->
                text.append(
                    "issued %s %s %d %s %s%n"
                        .formatted(
                            pass.key(),
                            pass.subject(),
                            pass.expiresAt().toEpochMilli(),
                            joined(pass.sends()),
                            joined(pass.receives()))));
    revoked.forEach(
        (hash, expiry) -> text.append("revoked %s %d%n".formatted(hash, expiry.toEpochMilli())));
    next.admitted()
        .forEach((peer, subject) -> text.append("admitted %s %s%n".formatted(subject, peer)));
    PrivateFiles.write(file, text.append("end\n").toString());
    page = new Page(Map.copyOf(issued), Map.copyOf(revoked), Map.copyOf(next.admitted()));
  }

  private static String joined(List<Pattern> patterns) {
    return patterns.isEmpty()
        ? "-"
        : String.join(",", patterns.stream().map(Pattern::toString).toList());
  }
}
