// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What became of one rule in one run.
 *
 * @param rule the number: {@code T3.2}
 * @param intent why there is such a rule
 * @param millis how long its test took, 0 where none ran
 * @param failure what the test said, null where it passed or none ran
 * @param reason why it is untested, null where it was tested
 * @param seed from which the test's random choices follow, null where it made none
 */
public record RuleResult(
    String rule,
    String intent,
    Outcome outcome,
    long millis,
    @Nullable String failure,
    @Nullable String reason,
    @Nullable Long seed) {

  /** How the test of a rule ended. */
  public enum Outcome {
    /** The rule holds. */
    PASSED,
    /** An assertion of the rule's own says what does not hold. */
    FAILED,
    /** The general time-out ended the test before the rule could say anything. */
    TIMED_OUT,
    /** Something else than an assertion ended the test: an exception that nobody expected. */
    BROKEN,
    /** The test did not begin. */
    NOT_RUN,
    /** No test checks the rule, or none can with this transport. */
    UNTESTED;

    /** As it stands in the result file. */
    String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static Outcome of(String text) {
      return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
  }

  /** Whether the transport owes an explanation: neither passed nor untested. */
  public boolean isFailure() {
    return outcome != Outcome.PASSED && outcome != Outcome.UNTESTED;
  }

  JsonObject toJson() {
    return JsonObject.builder()
        .put("rule", rule)
        .put("intent", intent)
        .put("outcome", outcome.text())
        .put("millis", millis)
        .putIfPresent("failure", failure)
        .putIfPresent("reason", reason)
        .putIfPresent("seed", seed == null ? null : JsonNumber.of(seed))
        .build();
  }

  static RuleResult of(JsonObject json) {
    return new RuleResult(
        json.string("rule"),
        json.string("intent"),
        Outcome.of(json.string("outcome")),
        json.integer("millis", 0, Long.MAX_VALUE),
        json.optionalString("failure").orElse(null),
        json.optionalString("reason").orElse(null),
        json.has("seed") ? json.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE) : null);
  }
}
