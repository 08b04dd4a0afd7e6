// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class GuestChangesTest {

  private final GuestChanges changes = new GuestChanges(100, 3);
  private int begun;

  @Test
  void remembersAllThatAreUnderWayAndTheNewestOfTheOthers() {
    changes.begin(change("first", 1));
    for (int i = 0; i < 10; i++) {
      GuestChange change = change("c" + i, 10);
      changes.begin(change);
      end(change);
    }
    changes.begin(change("last", 1));
    assertThat(changes.all())
        .extracting(GuestChange::computation)
        .containsExactlyInAnyOrder("first", "c7", "c8", "c9", "last");
    assertThat(changes.get("c6")).isNull();
    GuestChange again = change("c7", 1);
    changes.begin(again);
    assertThat(changes.get("c7")).isSameAs(again);
  }

  @Test
  void oneComputationHasOneAtATimeAndAllTogetherAreBounded() {
    GuestChange one = change("1", 60);
    changes.begin(one);
    refused("change-under-way", change("1", 1));
    refused("too-many-changes", change("2", 41));
    changes.begin(change("2", 40));
    refused("too-many-changes", change("3", 1));
    end(one);
    changes.begin(change("1", 60));
  }

  private GuestChange change(String id, int size) {
    return new GuestChange(
        id,
        1,
        new Command.Bundle("o" + ++begun, "a.b", "0.1.1", size, "0".repeat(64)),
        new byte[size],
        Instant.ofEpochSecond(begun),
        new Reception.Said(null, null));
  }

  private static void end(GuestChange change) {
    BundleRequest.Outcome outcome =
        new BundleRequest.Outcome(change.order().id(), true, null, null, "0.1.0", 0, 1);
    assertThat(change.decide(outcome)).isTrue();
    assertThat(change.decide(outcome)).as("said again").isFalse();
  }

  private void refused(String code, GuestChange change) {
    assertThatThrownBy(() -> changes.begin(change))
        .isInstanceOfSatisfying(
            ComputationException.class, e -> assertThat(e.code()).isEqualTo(code));
  }
}
