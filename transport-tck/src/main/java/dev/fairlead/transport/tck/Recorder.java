// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.tck.RuleResult.Outcome;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Notes what becomes of each rule, and writes the result file at the end, whoever runs the tests.
 * One for each run of a contract; the tests of one run follow one another.
 */
final class Recorder
    implements BeforeAllCallback, BeforeEachCallback, TestWatcher, AfterAllCallback {

  /** Where result files go; beside system properties, JUnit's own parameters may say so. */
  static final String FOLDER = "tck.results";

  /** From what random choices follow. */
  static final String SEED = "tck.seed";

  private static final String DEFAULT_FOLDER = "target/tck";
  private static final int LONGEST_FAILURE = 4000;

  private final Map<String, RuleResult> results = new ConcurrentHashMap<>();
  private final List<Rule> rules = Rule.all();
  private Instant started = Instant.EPOCH;
  private long startedNanos;
  private long beganNanos;
  private @Nullable TransportContract contract;

  /** Made by JUnit. */
  Recorder() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    if (context.getTestInstance().orElse(null) instanceof TransportContract own) {
      contract = own;
      started = Instant.now();
      startedNanos = System.nanoTime();
      own.seed(
          context
              .getConfigurationParameter(SEED)
              .map(Long::parseLong)
              .orElseGet(() -> System.nanoTime() & 0xFFFF_FFFFL));
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    beganNanos = System.nanoTime();
  }

  @Override
  public void testSuccessful(ExtensionContext context) {
    note(context, Outcome.PASSED, null, null);
  }

  @Override
  public void testAborted(ExtensionContext context, @Nullable Throwable cause) {
    note(context, Outcome.UNTESTED, null, cause == null ? "aborted" : words(cause));
  }

  @Override
  public void testDisabled(ExtensionContext context, Optional<String> reason) {
    note(context, Outcome.UNTESTED, null, reason.orElse("disabled"));
  }

  @Override
  public void testFailed(ExtensionContext context, @Nullable Throwable cause) {
    note(context, outcome(cause), cause == null ? "failed" : words(cause), null);
  }

  /** The general time-out is JUnit's, which throws an exception of that name. */
  private static Outcome outcome(@Nullable Throwable cause) {
    if (cause instanceof AssertionError) {
      return Outcome.FAILED;
    }
    if (cause instanceof OutOfTimeException) {
      return Outcome.NOT_RUN;
    }
    return cause instanceof TimeoutException ? Outcome.TIMED_OUT : Outcome.BROKEN;
  }

  private void note(
      ExtensionContext context,
      Outcome outcome,
      @Nullable String failure,
      @Nullable String reason) {
    String number = Rule.ofTest(context.getRequiredTestMethod().getName());
    if (number == null) {
      return; // A test that a subclass has of its own.
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNanos);
    results.put(
        number,
        new RuleResult(
            number, intent(number), outcome, millis, failure, reason, own().takeDrawnSeed()));
  }

  private String intent(String number) {
    return rules.stream()
        .filter(rule -> rule.number().equals(number))
        .map(Rule::intent)
        .findFirst()
        .orElse("");
  }

  private static String words(Throwable cause) {
    String text =
        cause instanceof AssertionError || cause.getClass().getName().startsWith("org.opentest4j.")
            ? Objects.requireNonNullElse(cause.getMessage(), cause.toString())
            : cause.toString();
    return text.length() <= LONGEST_FAILURE ? text : text.substring(0, LONGEST_FAILURE) + "…";
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (!(context.getTestInstance().orElse(null) instanceof TransportContract)) {
      return;
    }
    String problem = context.getExecutionException().map(Recorder::words).orElse(null);
    List<RuleResult> all = rules.stream().map(rule -> result(rule, problem)).toList();
    Results found =
        new Results(
            own().name(),
            own().providerClass(),
            own().capabilities(),
            own().seed(),
            started,
            TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startedNanos),
            all,
            problem);
    found.write(Path.of(context.getConfigurationParameter(FOLDER).orElse(DEFAULT_FOLDER)));
  }

  private RuleResult result(Rule rule, @Nullable String problem) {
    RuleResult noted = results.get(rule.number());
    if (noted != null) {
      return noted;
    }
    return rule.untested() != null
        ? new RuleResult(
            rule.number(), rule.intent(), Outcome.UNTESTED, 0, null, rule.untested(), null)
        : new RuleResult(
            rule.number(),
            rule.intent(),
            Outcome.NOT_RUN,
            0,
            Objects.requireNonNullElse(problem, "Its test was not among those that were run."),
            null,
            null);
  }

  private TransportContract own() {
    return Objects.requireNonNull(contract, "contract");
  }

  /** The kit's time is over before a test has begun. */
  static final class OutOfTimeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutOfTimeException(String sentence) {
      super(sentence);
    }
  }
}
