// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuestSocketTest {

  @Test
  void whatAGuestSendsToItsHostArrivesBesideItsSocket() {
    Path socket = GuestSocket.of(Path.of("/run/fl/a b/../a b/123"));
    assertThat(socket).isEqualTo(Path.of("/run/fl/a b/123/vsock.sock"));
    assertThat(GuestSocket.peer(socket)).hasToString("unix:///run/fl/a%20b/123/vsock.sock");
    assertThat(GuestSocket.arrival(socket, URI.create("vsock://2:9998")))
        .hasToString("unix:///run/fl/a%20b/123/vsock.sock_9998");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"vsock://3:9998", "vsock://2", "vsock:2:9998", "vsock://2:x", "vsock://2:"})
  void refusesWhatIsNoPortOfTheHost(String endpoint) {
    refused(() -> GuestSocket.arrival(Path.of("/run/vsock.sock"), URI.create(endpoint)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tls://broker", "tls:broker:1", "tls://broker:70000"})
  void refusesWhatIsNoHostWithAPort(String endpoint) {
    refused(() -> GuestSocket.internet(URI.create(endpoint)));
  }

  @Test
  void knowsHostsByNameAndAddress() {
    assertThat(GuestSocket.internet(URI.create("tls://[::1]:4222")).getHostString())
        .isEqualTo("::1");
    assertThat(GuestSocket.withHost(URI.create("tls://a:1/x?y=z"), "b.c"))
        .hasToString("tls://b.c:1/x?y=z");
    assertThat(GuestSocket.withHost(URI.create("tls://a:1"), "::1")).hasToString("tls://[::1]:1");
  }

  @Test
  void isWantedWhereAnEndpointIsReachedByIt() {
    URI broker = URI.create("tls://broker:4222");
    assertThat(GuestSocket.isWanted(List.of(broker))).isFalse();
    assertThat(GuestSocket.isWanted(List.of(broker, URI.create("vsock://2:9998")))).isTrue();
  }

  @Test
  void refusesARunDirectoryInWhichNoSocketCouldBeMade() {
    String longest = "/" + "x".repeat(GuestSocket.MAX_PATH - "//vsock.sock_65535".length());
    assertThat(GuestSocket.of(Path.of(longest))).hasFileName("vsock.sock");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> GuestSocket.of(Path.of(longest + "x")))
        .satisfies(e -> assertThat(e.code()).isEqualTo("run-directory"));
  }

  private static void refused(Runnable what) {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(what::run)
        .satisfies(e -> assertThat(e.code()).isEqualTo("bad-endpoint"));
  }
}
