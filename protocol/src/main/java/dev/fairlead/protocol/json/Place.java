// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Where in a document a value stands. A chain of steps instead of a text, so that a hostile
 * document cannot make us write long paths a thousand times.
 */
record Place(@Nullable Place parent, String step) {

  static final Place ROOT = new Place(null, "$");

  private static final int MAX_STEP = 64;

  Place field(String name) {
    return new Place(this, "." + name);
  }

  Place item(int index) {
    return new Place(this, "[" + index + "]");
  }

  @Override
  public String toString() {
    Deque<String> steps = new ArrayDeque<>();
    for (Place place = this; place != null; place = place.parent) {
      steps.push(shorten(place.step));
    }
    return String.join("", steps);
  }

  /** A piece of foreign text, short and printable, for use in a message. */
  static String shorten(String text) {
    String start = text.length() > MAX_STEP ? text.substring(0, MAX_STEP) + "…" : text;
    StringBuilder clean = new StringBuilder(start.length());
    start
        .chars()
        .forEach(c -> clean.append(c >= ' ' && c != 0x7f && !isControl(c) ? (char) c : '?'));
    return clean.toString();
  }

  private static boolean isControl(int c) {
    return (c >= 0x80 && c < 0xa0) || Character.isSurrogate((char) c) || c == 0x202e || c == 0x2028;
  }
}
