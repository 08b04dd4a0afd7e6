// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import dev.fairlead.computations.parity.Finding.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What was found: so many by name, all by count. Safe for use by several threads. */
final class Findings {

  private final int most;
  private final Set<Finding> named = new LinkedHashSet<>();
  private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
  private long unnamed;

  Findings(int most) {
    this.most = most;
    for (Kind kind : Kind.values()) {
      counts.put(kind, 0L);
    }
  }

  synchronized void add(Finding finding) {
    if (named.contains(finding)) {
      return;
    }
    counts.merge(finding.kind(), 1L, Long::sum);
    if (named.size() < most) {
      named.add(finding);
    } else {
      unnamed++;
    }
  }

  /** What was taken for one thing is another. */
  synchronized void change(Finding before, Finding after) {
    if (named.remove(before)) {
      counts.merge(before.kind(), -1L, Long::sum);
      add(after);
    }
  }

  synchronized List<Finding> named() {
    return new ArrayList<>(named);
  }

  synchronized Map<Kind, Long> counts() {
    return Map.copyOf(counts);
  }

  synchronized long unnamed() {
    return unnamed;
  }
}
