// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.List;

/**
 * Which colour a subject has: one for each transport, and the same for its baselines, which are
 * told apart by how it is used (paler, dashed).
 */
final class Hues {

  /** How many colours the style sheet has. */
  static final int COUNT = 6;

  private final List<String> transports = new ArrayList<>();

  Hues(Results results) {
    for (Run run : results.runs()) {
      String transport = run.subject().transport();
      if (!transports.contains(transport)) {
        transports.add(transport);
      }
    }
  }

  /** The class of what is drawn for a subject. */
  String of(Subject subject) {
    int at = Math.max(0, transports.indexOf(subject.transport())) % COUNT;
    return "hue" + at + (subject.isOurs() ? "" : " raw");
  }
}
