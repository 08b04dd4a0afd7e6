// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Migrations as a person reads and asks for them. */
final class Migrations {

  private static final Set<String> KINDS = Set.of("drop", "alter", "duplicate");
  private static final int MOST = 100;
  private static final int SHOWN = 20;

  private Migrations() {}

  /**
   * Defects to be made.
   *
   * @throws IllegalArgumentException with a sentence for a person
   */
  static JsonObject inject(Map<String, Integer> wanted, long seed) {
    JsonObject.Builder json = JsonObject.builder();
    wanted.forEach(
        (kind, count) -> {
          if (!KINDS.contains(kind)) {
            throw new IllegalArgumentException(
                "--inject knows drop, alter and duplicate, not '%s'.".formatted(kind));
          }
          if (count == null || count < 0 || count > MOST) {
            throw new IllegalArgumentException("--inject %s is 0 to %d.".formatted(kind, MOST));
          }
          json.put(kind, count);
        });
    if (seed < 0) {
      throw new IllegalArgumentException("--inject-seed is a number from 0.");
    }
    return json.put("seed", seed).build();
  }

  /** A status or report, line by line. */
  static List<String> lines(JsonObject answer) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "Migration %s, %s to %s: %s, %s%% chosen, %s%% to be moved."
            .formatted(
                Fields.text(answer, "migration"),
                Fields.text(answer, "from"),
                Fields.text(answer, "to"),
                Fields.text(answer, "phase"),
                Fields.text(answer, "percent"),
                Fields.text(answer, "moved_percent")));
    JsonObject computations = answer.object("computations");
    lines.add(
        "Computations: %s chosen, %s send copies, %s were moved; now %s."
            .formatted(
                Fields.text(computations, "chosen"),
                Fields.text(computations, "copying"),
                Fields.text(computations, "moved"),
                computations.object("by_transport")));
    answer
        .object("failed")
        .fields()
        .forEach((id, reason) -> lines.add("%s does not follow: %s".formatted(id, reason)));
    Optional<JsonObject> held = answer.optionalObject("held");
    held.ifPresent(
        why ->
            lines.add(
                "It stopped by itself at %s: %s. %s"
                    .formatted(
                        Fields.text(why, "at"),
                        Fields.text(why, "code"),
                        Fields.text(why, "reason"))));
    lines.add(
        "Verdict: %s. %s".formatted(Fields.text(answer, "verdict"), Fields.text(answer, "reason")));
    if (answer.has("findings")) {
      List<JsonObject> findings = answer.objects("findings");
      findings.stream()
          .limit(SHOWN)
          .forEach(
              one ->
                  lines.add(
                      "  %s: %s of %s, record %s, over %s"
                          .formatted(
                              Fields.text(one, "kind"),
                              Fields.text(one, "stream"),
                              Fields.text(one, "computation"),
                              Fields.text(one, "number"),
                              Fields.text(one, "transport"))));
      if (findings.size() > SHOWN) {
        lines.add("  and %d more".formatted(findings.size() - SHOWN));
      }
    }
    return lines;
  }
}
