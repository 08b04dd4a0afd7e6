// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Message;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PatternTest {

  private static final List<String> SEGMENTS = List.of("a", "b", "*");

  @Test
  void matchesAsMessagesDoAndCoversWhatItMatches() {
    List<String> patterns = new ArrayList<>();
    for (String first : SEGMENTS) {
      patterns.addAll(List.of(first, first + "/**"));
      for (String second : SEGMENTS) {
        patterns.addAll(List.of(first + "/" + second, first + "/" + second + "/**"));
        SEGMENTS.forEach(third -> patterns.add(first + "/" + second + "/" + third));
      }
    }
    patterns.add("**");
    List<String> addresses =
        patterns.stream().filter(p -> !p.contains("*") && p.contains("/")).toList();
    for (String one : patterns) {
      Pattern wide = Pattern.of(one);
      for (String address : addresses) {
        assertThat(wide.matches(Pattern.segments(address)))
            .as("%s of %s", address, one)
            .isEqualTo(new Message(address, new byte[0]).matches(one));
      }
      for (String other : patterns) {
        if (wide.covers(Pattern.of(other))) {
          assertThat(addresses)
              .filteredOn(address -> new Message(address, new byte[0]).matches(other))
              .allMatch(address -> new Message(address, new byte[0]).matches(one));
        }
      }
    }
    assertThat(Pattern.of("a/**").covers(Pattern.of("a/*"))).isTrue();
    assertThat(Pattern.of("a/*").covers(Pattern.of("a/**"))).isFalse();
  }
}
