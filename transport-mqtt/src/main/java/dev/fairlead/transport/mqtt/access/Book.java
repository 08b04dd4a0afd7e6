// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.PrivateFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The credentials that are valid, and nothing else: what is not in here, the broker must not let
 * in. Safe for use by several threads.
 *
 * <p>The file is text, one fact a line, words parted by one space, written anew as a whole each
 * time (to a file beside it, synced, then moved over it):
 *
 * <pre>
 * fairlead-mqtt-book 1                       first line: what this is, and its version
 * name fl-4f1d0c9a                           how the names of this issuer's users begin
 * port 44985                                 where the child listened last; 0 when never
 * issued fl-4f1d0c9a.123.8c1e… 123 1761958800 SALT HASH fl/123/up/** fl/123/down/**
 *                                            user, subject, expiry, salt and hash of the password,
 *                                            patterns that it may send to and receive, joined by
 *                                            commas, - for none
 * end                                        last line: nothing was cut off
 * </pre>
 *
 * Times are seconds since 1970.
 */
final class Book {

  private static final String HEAD = "fairlead-mqtt-book 1";
  private static final String NONE = "-";

  private final Path file;
  private final Map<String, Member> members = new LinkedHashMap<>(); // by user
  private String name;
  private int port;

  private Book(Path file, String name) {
    this.file = file;
    this.name = name;
  }

  /**
   * Reads the book, or begins a new one where there is none.
   *
   * @param name how users' names begin in a new one
   * @throws TransportException {@code REFUSED}, code {@code corrupt-state}
   */
  static Book open(Path file, String name) throws IOException {
    Book book = new Book(file, name);
    if (PrivateFiles.exists(file)) {
      try {
        book.read(PrivateFiles.read(file).lines().toList());
      } catch (IllegalArgumentException | IndexOutOfBoundsException | TransportException e) {
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
        case "name" -> name = words[1];
        case "port" -> port = Integer.parseInt(words[1]);
        case "issued" -> {
          Message.requireAddress("subject/" + words[2]);
          members.put(
              words[1],
              new Member(
                  words[1],
                  words[2],
                  Long.parseLong(words[3]),
                  words[4],
                  words[5],
                  patterns(words[6]),
                  patterns(words[7])));
        }
        default -> throw new IllegalArgumentException("Unknown word.");
      }
    }
  }

  private static List<String> patterns(String word) {
    if (word.equals(NONE)) {
      return List.of();
    }
    List<String> patterns = List.of(word.split(",", -1));
    patterns.forEach(Message::requirePattern);
    return patterns;
  }

  private static String word(List<String> patterns) {
    return patterns.isEmpty() ? NONE : String.join(",", patterns);
  }

  synchronized void save() throws IOException {
    StringBuilder text = new StringBuilder(HEAD).append('\n');
    text.append("name ").append(name).append('\n');
    text.append("port ").append(port).append('\n');
    for (Member each : members.values()) {
      String line =
          String.join(
              " ",
              "issued",
              each.user(),
              each.subject(),
              Long.toString(each.expiresAt()),
              each.salt(),
              each.hash(),
              word(each.sends()),
              word(each.receives()));
      text.append(line).append('\n');
    }
    PrivateFiles.write(file, text.append("end\n").toString());
  }

  synchronized String name() {
    return name;
  }

  synchronized int port() {
    return port;
  }

  synchronized void port(int port) {
    this.port = port;
  }

  synchronized void add(Member member) {
    members.put(member.user(), member);
  }

  synchronized void remove(Collection<String> users) {
    members.keySet().removeAll(users);
  }

  synchronized boolean has(String user) {
    return members.containsKey(user);
  }

  /** Those that are valid at a time. */
  synchronized List<Member> valid(long now) {
    return members.values().stream().filter(each -> each.expiresAt() > now).toList();
  }

  /** The users whose time is over. */
  synchronized List<String> expired(long now) {
    return members.values().stream()
        .filter(each -> each.expiresAt() <= now)
        .map(Member::user)
        .toList();
  }

  /** The users of a subject. */
  synchronized List<String> users(String subject) {
    List<String> users = new ArrayList<>();
    members.values().stream()
        .filter(each -> each.subject().equals(subject))
        .forEach(each -> users.add(each.user()));
    return users;
  }
}
