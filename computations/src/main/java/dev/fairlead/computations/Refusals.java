// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;

/**
 * Counts what was refused, by code, and keeps the newest of each. Codes come from the code, not
 * from messages, so their number is bounded. Safe for use by several threads.
 */
public final class Refusals {

  private static final int MAX_TEXT = 256;

  private final InstantSource clock;
  private final Map<String, Refusal> byCode = new TreeMap<>();

  /**
   * What was refused under one code.
   *
   * @param count how often, since the service started
   * @param last when the newest came
   * @param subject whom the newest came from: a party, or an address
   * @param message what the newest was told, at most 256 characters
   */
  public record Refusal(long count, Instant last, String subject, String message) {}

  /** Makes one that has counted nothing. */
  public Refusals(InstantSource clock) {
    this.clock = requireNonNull(clock, "clock is null");
  }

  /** Counts one. */
  public synchronized void count(String code, String subject, String message) {
    Refusal before = byCode.get(code);
    byCode.put(
        code,
        new Refusal(
            before == null ? 1 : before.count() + 1, clock.instant(), cut(subject), cut(message)));
  }

  /** All that was counted, by code. */
  public synchronized Map<String, Refusal> all() {
    return Map.copyOf(byCode);
  }

  private static String cut(String text) {
    return text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
  }
}
