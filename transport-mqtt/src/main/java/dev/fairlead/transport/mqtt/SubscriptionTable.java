// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.base.KeptSubscription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which handlers a message is for, by the subscription identifiers that the broker puts on it. Each
 * subscription, also a second one to the same filter, is sent to the broker with an identifier of
 * its own, which stands for all handlers that the filter has from then on: so a handler gets each
 * message once however filters overlap, and none from before it was there. Safe for use by several
 * threads.
 */
final class SubscriptionTable {

  /** The handlers for which an identifier stands, and the identifier before it on that filter. */
  private static final class Entry {
    final String pattern;
    List<KeptSubscription> handlers;
    int before;

    Entry(String pattern, List<KeptSubscription> handlers, int before) {
      this.pattern = pattern;
      this.handlers = handlers;
      this.before = before;
    }
  }

  private final Map<Integer, Entry> entries = new HashMap<>();
  private final Map<String, Integer> newest = new HashMap<>(); // pattern → identifier
  private int last;

  /** Adds a handler, and returns the identifier with which to subscribe to its pattern. */
  synchronized int add(KeptSubscription subscription) {
    String pattern = subscription.pattern();
    int before = newest.getOrDefault(pattern, 0);
    Entry entry = entries.get(before);
    List<KeptSubscription> handlers =
        new ArrayList<>(entry == null ? List.<KeptSubscription>of() : entry.handlers);
    handlers.add(subscription);
    int id = ++last;
    entries.put(id, new Entry(pattern, List.copyOf(handlers), before));
    newest.put(pattern, id);
    return id;
  }

  /** Removes a handler, and says whether it was the last of its pattern. */
  synchronized boolean remove(KeptSubscription subscription) {
    String pattern = subscription.pattern();
    boolean left = false;
    int before = 0;
    for (int id = newest.getOrDefault(pattern, 0); id > 0; id = before) {
      Entry entry = entries.get(id);
      if (entry == null) {
        break;
      }
      before = entry.before;
      List<KeptSubscription> handlers = new ArrayList<>(entry.handlers);
      handlers.remove(subscription);
      entry.handlers = List.copyOf(handlers);
      left |= !handlers.isEmpty();
    }
    if (!left) {
      forget(newest.getOrDefault(pattern, 0));
      newest.remove(pattern);
    }
    return !left;
  }

  /** The handlers for which an identifier stands. */
  synchronized List<KeptSubscription> handlers(int id) {
    Entry entry = entries.get(id);
    if (entry == null) {
      return List.of();
    }
    // The broker uses this one now: those before it come no more.
    forget(entry.before);
    entry.before = 0;
    return entry.handlers;
  }

  /** The pattern of an identifier, null where it is not in use. */
  synchronized @Nullable String pattern(int id) {
    Entry entry = entries.get(id);
    return entry == null ? null : entry.pattern;
  }

  private void forget(int from) {
    int id = from;
    while (id > 0) {
      Entry entry = entries.remove(id);
      id = entry == null ? 0 : entry.before;
    }
  }
}
