// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The README and the tests say the same. */
class RuleTest {

  private static Stream<String> testNames() {
    return Arrays.stream(TransportContract.class.getDeclaredClasses())
        .filter(type -> type.isAnnotationPresent(Nested.class))
        .flatMap(type -> Arrays.stream(type.getSuperclass().getDeclaredMethods()))
        .filter(method -> method.isAnnotationPresent(Test.class))
        .map(Method::getName);
  }

  @Test
  void eachTestBearsTheNumberOfARule() {
    assertThat(testNames()).allSatisfy(name -> assertThat(Rule.ofTest(name)).isNotNull());
  }

  @Test
  void eachRuleIsTestedOrListedAsUntested() {
    Set<String> tested =
        testNames()
            .map(Rule::ofTest)
            .map(Objects::requireNonNull)
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> promised =
        Rule.all().stream()
            .filter(rule -> rule.untested() == null)
            .map(Rule::number)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(tested).isEqualTo(promised);
    assertThat(promised).hasSizeGreaterThanOrEqualTo(50);
  }

  @Test
  void numbersRunOnWithoutGaps() {
    List<Rule> rules = Rule.all();
    for (int i = 1; i < rules.size(); i++) {
      String[] before = rules.get(i - 1).number().substring(1).split("\\.", -1);
      String topic = "T" + before[0] + "." + (Integer.parseInt(before[1]) + 1);
      String next = "T" + (Integer.parseInt(before[0]) + 1) + ".1";
      assertThat(rules.get(i).number()).isIn(topic, next);
    }
  }

  @Test
  void nothingInTheReadmeLooksLikeARuleAndIsNone() {
    long written = Pattern.compile("(?m)^- \\*\\*T").matcher(Rule.readme()).results().count();
    assertThat(Rule.all()).hasSize((int) written);
  }
}
