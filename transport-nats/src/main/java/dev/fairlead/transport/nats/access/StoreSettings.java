// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.base.broker.BrokerSettings.bad;

import dev.fairlead.transport.access.Forget;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.nats.Stored;
import dev.fairlead.transport.nats.Subjects;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What JetStream stores, and for whom.
 *
 * @param patterns of the stored addresses; in each one {@code *} stands for the sender's subject.
 *     None: nothing is stored
 * @param reader subject of the one that is given what is stored
 * @param bytesEach the most that each address may hold; set aside for it
 * @param bytesInAll the most of all together; 0 for what the server allows, three quarters of the
 *     disk
 * @param synced whether each message is synced before it counts as stored
 */
record StoreSettings(
    List<String> patterns, String reader, long bytesEach, long bytesInAll, boolean synced) {

  /** Nothing is stored. */
  static final StoreSettings NONE = new StoreSettings(List.of(), "_collector", 0, 0, false);

  private static final long MIB = 1L << 20;
  private static final int MAX_PATTERNS = 8;
  private static final int MAX_NAME = 255;

  /**
   * Reads and checks all.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting}
   */
  static StoreSettings read(Function<String, @Nullable String> settings) {
    List<String> patterns = new ArrayList<>();
    String list = settings.apply("store");
    if (Forget.read("forget", settings.apply("forget"), Forget.STORED) == Forget.DELIVERED) {
      return NONE; // senders keep all themselves until it is delivered
    }
    if (list != null && !list.isBlank()) {
      for (String pattern : list.split(",", -1)) {
        patterns.add(requirePattern(pattern.strip()));
      }
    }
    if (patterns.size() > MAX_PATTERNS) {
      throw bad("store", "names more than " + MAX_PATTERNS + " patterns");
    }
    String reader = text(settings, "store.reader", "_collector");
    String sync = text(settings, "store.sync", "grouped");
    if (!sync.equals("grouped") && !sync.equals("always")) {
      throw bad("store.sync", "is neither 'grouped' nor 'always'");
    }
    return new StoreSettings(
        List.copyOf(patterns),
        reader,
        mebibytes(settings, "store.mib", 256, 16) * MIB,
        mebibytes(settings, "store.total.mib", 0, 0) * MIB,
        sync.equals("always"));
  }

  private static String requirePattern(String pattern) {
    try {
      Message.requirePattern(pattern);
    } catch (TransportException e) {
      throw bad("store", "holds '" + pattern + "', which is no pattern");
    }
    long stars = pattern.chars().filter(c -> c == '*').count();
    if (stars != 1) {
      throw bad("store", "holds a pattern without one single '*', which stands for the sender");
    }
    return pattern;
  }

  private static String text(
      Function<String, @Nullable String> settings, String name, String otherwise) {
    String value = settings.apply(name);
    return value == null || value.isBlank() ? otherwise : value;
  }

  private static long mebibytes(
      Function<String, @Nullable String> settings, String name, long otherwise, long least) {
    try {
      long value = Long.parseLong(text(settings, name, Long.toString(otherwise)));
      if (value >= least && value <= 1L << 30) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw bad(name, "is no number of MiB");
    }
    throw bad(name, "is no number of MiB, of which " + least + " are the least");
  }

  boolean isEmpty() {
    return patterns.isEmpty();
  }

  /** The subjects that are stored of what a grant permits to send. */
  List<String> subjects(Grant grant) {
    List<String> subjects = new ArrayList<>();
    for (String pattern : patterns) {
      String address = pattern.replace("*", grant.subject());
      Message there = new Message(address, new byte[0]);
      if (grant.sends().stream().anyMatch(there::matches)) {
        subjects.add(requireName(Subjects.of(address)));
      }
    }
    return subjects;
  }

  /** The subjects that may be stored of a sender. */
  List<String> subjects(String sender) {
    return patterns.stream().map(any -> Subjects.of(any.replace("*", sender))).toList();
  }

  /** The pattern of a stored subject; empty where it is not stored. */
  Optional<String> pattern(String subject) {
    try {
      Message there = new Message(subject.replace('.', '/'), new byte[0]);
      return patterns.stream().filter(there::matches).findFirst();
    } catch (TransportException e) {
      return Optional.empty(); // somebody else's
    }
  }

  private static String requireName(String subject) {
    if (subject.length() > MAX_NAME) {
      throw new TransportException(
          TransportException.Category.REFUSED,
          "name-too-long",
          "The broker stores no address of more than " + MAX_NAME + " characters: shorten a name.");
    }
    return subject;
  }

  /** What the reader may send beyond its grant: what became of each message. */
  List<String> readerSends(Grant grant) {
    return isReader(grant) ? List.of(Stored.ACKS + "*." + Stored.CONSUMER + ".>") : List.of();
  }

  /** What the reader receives beyond its grant: what is stored. */
  List<String> readerReceives(Grant grant) {
    return isReader(grant) ? patterns.stream().map(Stored::delivered).toList() : List.of();
  }

  private boolean isReader(Grant grant) {
    return !isEmpty() && grant.subject().equals(reader);
  }
}
