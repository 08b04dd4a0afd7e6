// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.VmSpec.Forward;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuestNetworkTest {

  @Test
  void opensNothingThatWasNotAskedFor() {
    GuestNetwork network = new GuestNetwork(List.of(), List.of(), List.of("relay"));
    assertThat(network.netdev()).isEqualTo("user,id=n0,ipv6=off,restrict=on");
    assertThat(network.hosts()).isEmpty();
    assertThat(network.needsRelay()).isFalse();
  }

  @Test
  void oneForwardPerEndpointAndOneAddressPerName() throws UnknownHostException {
    GuestNetwork network =
        new GuestNetwork(
            List.of(new Forward(loopback(9301), 9031), new Forward(loopback(7020), 7002)),
            List.of(
                endpoint("127.0.0.1", 4222),
                endpoint("mqtt.example.org", 8883),
                endpoint("localhost", 1883),
                endpoint("127.0.0.1", 4222)),
            List.of("/bin/relay", "-a,b", "it's"));
    assertThat(network.netdev())
        .isEqualTo(
            "user,id=n0,ipv6=off,restrict=on"
                + ",hostfwd=tcp:127.0.0.1:9301-:9031,hostfwd=tcp:127.0.0.1:7020-:7002"
                + ",guestfwd=tcp:10.0.2.100:4222-cmd:/bin/sh -c 'exec \"$0\" \"$@\" 2>/dev/null' /bin/relay -a,,b 'it'\\''s' 127.0.0.1 4222"
                + ",guestfwd=tcp:10.0.2.101:8883-cmd:/bin/sh -c 'exec \"$0\" \"$@\" 2>/dev/null' /bin/relay -a,,b 'it'\\''s' mqtt.example.org 8883"
                + ",guestfwd=tcp:10.0.2.100:1883-cmd:/bin/sh -c 'exec \"$0\" \"$@\" 2>/dev/null' /bin/relay -a,,b 'it'\\''s' localhost 1883");
    assertThat(network.hosts()).containsExactly(Map.entry("mqtt.example.org", "10.0.2.101"));
  }

  @ParameterizedTest
  @CsvSource({
    "localhost,10.0.2.100",
    "LOCALHOST,10.0.2.100",
    "nats.localhost,10.0.2.100",
    "127.0.0.1,10.0.2.100",
    "127.9.9.9,10.0.2.100",
    "0.0.0.0,10.0.2.100",
    "10.0.2.100,ip-10-0-2-100.fairlead",
    "nats.example.org,nats.example.org",
    "127.example.org,127.example.org",
    "192.0.2.7,ip-192-0-2-7.fairlead",
  })
  void aGuestCallsThisHostByAnotherName(String host, String guests) {
    assertThat(GuestNetwork.reach(host)).isEqualTo(guests);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "a;b", "$(x)", "-e", "", "::1", "a,b", "a'b"})
  void refusesAnEndpointThatIsNoName(String host) {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> new GuestNetwork(List.of(), List.of(endpoint(host, 1)), List.of("relay")))
        .satisfies(e -> assertThat(e.code()).isEqualTo("bad-endpoint"));
  }

  @Test
  void refusesAForwardThatQemuCannotMake() throws UnknownHostException {
    for (Forward forward :
        List.of(
            new Forward(loopback(0), 22),
            new Forward(loopback(2222), 65536),
            new Forward(new InetSocketAddress(InetAddress.getByAddress(new byte[16]), 2222), 22),
            new Forward(endpoint("localhost", 2222), 22))) {
      assertThatExceptionOfType(HypervisorException.class)
          .isThrownBy(() -> new GuestNetwork(List.of(forward), List.of(), List.of("relay")))
          .satisfies(e -> assertThat(e.code()).isEqualTo("bad-forward"));
    }
  }

  private static InetSocketAddress endpoint(String host, int port) {
    return InetSocketAddress.createUnresolved(host, port);
  }

  private static InetSocketAddress loopback(int port) throws UnknownHostException {
    return new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
  }
}
