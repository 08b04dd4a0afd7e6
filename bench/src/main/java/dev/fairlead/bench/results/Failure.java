// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

/**
 * A run that did not come to its end.
 *
 * @param subject what should have been measured
 * @param testCase what was done
 * @param repeat which repeat, from 1
 * @param why a sentence for a person
 */
public record Failure(Subject subject, Case testCase, int repeat, String why) {

  /** Checks for null. */
  public Failure {
    requireNonNull(subject, "subject is null");
    requireNonNull(testCase, "testCase is null");
    requireNonNull(why, "why is null");
  }
}
