// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.transport.api.TransportException;
import java.net.URI;
import org.junit.jupiter.api.Test;

class AdmissionsTest {

  private static final URI PEER = URI.create("unix:///run/a/vsock.sock");

  private final Admissions admissions = new Admissions();
  private final TestDoor door = new TestDoor("a");
  private final TestDoor other = new TestDoor("b");

  @Test
  void servicesAndVmsComeAndGoInAnyOrder() {
    admissions.open("early", PEER);
    admissions.add(door);
    admissions.open("late", URI.create("vsock://17"));
    admissions.add(other);
    assertThat(door.inside)
        .containsEntry("early", PEER.toString())
        .containsEntry("late", "vsock://17");
    assertThat(other.inside).isEqualTo(door.inside);
    admissions.close("early");
    admissions.close("early");
    assertThat(door.inside).containsOnlyKeys("late");
    admissions.remove(door);
    assertThat(door.inside).isEmpty();
    assertThat(other.inside).containsOnlyKeys("late");
    admissions.close();
    assertThat(other.inside).isEmpty();
  }

  @Test
  void anotherAttemptTakesThePlaceOfTheFirst() {
    admissions.add(door);
    admissions.open("a", URI.create("vsock://16"));
    admissions.open("a", URI.create("vsock://16"));
    admissions.open("a", URI.create("vsock://17"));
    assertThat(door.inside).containsEntry("a", "vsock://17").hasSize(1);
  }

  @Test
  void whoIsNotLetInByOneIsLetInByNone() {
    admissions.add(door);
    admissions.add(other);
    other.refusal = new TransportException(TransportException.Category.REFUSED, "bad-peer", "No.");
    assertThatExceptionOfType(TransportException.class)
        .isThrownBy(() -> admissions.open("a", PEER))
        .matches(e -> e.code().equals("bad-peer"));
    assertThat(door.inside).isEmpty();
    other.refusal = null;
    admissions.settle();
    assertThat(door.inside).as("it is forgotten").isEmpty();
  }

  @Test
  void whoRunsAlreadyIsAskedForAgain() {
    admissions.add(door);
    door.refusal = new TransportException(TransportException.Category.RETRY, "busy", "Later.");
    admissions.adopt("a", PEER);
    assertThat(door.inside).isEmpty();
    door.refusal = null;
    admissions.settle();
    admissions.settle();
    assertThat(door.inside).containsOnlyKeys("a");
  }
}
