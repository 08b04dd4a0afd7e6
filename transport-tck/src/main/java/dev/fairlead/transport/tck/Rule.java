// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One rule of the contract, as the README states it.
 *
 * @param number {@code T3.2}
 * @param statement what holds
 * @param intent why
 * @param untested why no test checks it, null where one does
 */
public record Rule(String number, String statement, String intent, @Nullable String untested) {

  /*
   * How a rule is written in the README; two or three lines of a list:
   *   - **T3.2** What holds.
   *     *Intent: why.*
   *     *Untested: the reason.*
   */
  private static final Pattern WRITTEN =
      Pattern.compile(
          "(?m)^- \\*\\*(T\\d+\\.\\d+)\\*\\* (.+)\\n  \\*Intent: (.+)\\*$(?:\\n  \\*Untested: (.+)\\*$)?");

  private static final Pattern TEST_NAME = Pattern.compile("t(\\d+)_(\\d+)_.+");

  /** All rules, in the README's order. */
  public static List<Rule> all() {
    return read(readme());
  }

  static String readme() {
    try (InputStream in = Rule.class.getResourceAsStream("README.md")) {
      if (in == null) {
        throw new IllegalStateException("The kit's README.md is missing from its jar.");
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("The kit's README.md cannot be read.", e);
    }
  }

  static List<Rule> read(String readme) {
    List<Rule> rules = new ArrayList<>();
    Matcher matcher = WRITTEN.matcher(readme);
    while (matcher.find()) {
      rules.add(new Rule(matcher.group(1), matcher.group(2), matcher.group(3), matcher.group(4)));
    }
    return List.copyOf(rules);
  }

  /** The number of the rule that a test method checks, null when its name bears none. */
  public static @Nullable String ofTest(String methodName) {
    Matcher matcher = TEST_NAME.matcher(methodName);
    return matcher.matches() ? "T" + matcher.group(1) + "." + matcher.group(2) : null;
  }
}
