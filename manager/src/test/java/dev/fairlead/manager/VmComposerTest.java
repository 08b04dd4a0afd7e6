// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.hypervisor.api.VmSpec.Forward;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.TransportFact;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VmComposerTest {

  private static final Registration REGISTRATION =
      new Registration(
          "c1",
          "0".repeat(64),
          List.of(new TransportFact("memory", URI.create("tls://localhost:4222"), null)),
          "secret",
          Instant.EPOCH);

  private static List<Forward> forwards(String hostIp) {
    ManagerSettings settings =
        ManagerEnvironment.read(Map.of("MANAGER_HOST_IP", hostIp))
            .over(ManagerSettings.in(Path.of("runs")));
    return new VmComposer(settings, new FakeHypervisor())
        .compose(REGISTRATION, Path.of("runs/c1"), new HostPorts(2222, 9301, 7020))
        .forwards();
  }

  @Test
  void allPortsOfAgentsAreOnLoopback() {
    assertThat(forwards("localhost"))
        .allMatch(forward -> forward.host().getAddress().isLoopbackAddress());
  }

  /** Whoever reaches the agent's HTTP may hand it a manifest before the registry does. */
  @Test
  void beyondLoopbackOnlyTheDoorForSignedUploadsIsOpen() {
    List<Forward> open =
        forwards("192.0.2.1").stream()
            .filter(forward -> !forward.host().getAddress().isLoopbackAddress())
            .toList();
    assertThat(open)
        .singleElement()
        .satisfies(forward -> assertThat(forward.host().getPort()).isEqualTo(7020));
  }
}
