// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.VmSpec;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A guest's network, which is closed: forwards in, and one way out per permitted endpoint.
 *
 * <p>The way out is QEMU's {@code guestfwd=…-cmd:}: for each connection of the guest QEMU starts a
 * relay, which opens a connection of its own. So a broker may be absent when the VM starts, and may
 * come and go. (The {@code -tcp:} form is one connection for QEMU's whole life.)
 *
 * <p>Each name that the guest knows gets an address of its own, 10.0.2.101 and up; what the guest
 * calls by it is the same as what the host calls by it, except that this host itself is {@value
 * #THIS_HOST} in the guest, where loopback is the guest. That is an address and no name, since to
 * look whether a name may stand in a certificate Java reads Unicode's tables first, for which an
 * emulated guest needs a third of a second.
 */
final class GuestNetwork {

  /** In the guest, the host's own loopback. */
  static final String THIS_HOST = "10.0.2.100";

  private static final String SILENTLY = "/bin/sh -c 'exec \"$0\" \"$@\" 2>/dev/null' ";
  private static final int FIRST_ADDRESS = 101;
  private static final int MAX_NAMES = 8;
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,62}");

  private final List<VmSpec.Forward> forwards;
  private final Set<InetSocketAddress> endpoints;
  private final Map<String, String> hosts;
  private final String relay;

  /**
   * Composes one.
   *
   * @param relay a command that joins its input and output with a connection; host and port are
   *     appended to it. What it says on its error output is thrown away: QEMU would hand that to
   *     the guest as if the broker had said it
   * @throws HypervisorException {@code REFUSED}, codes {@code bad-forward} and {@code bad-endpoint}
   */
  GuestNetwork(
      List<VmSpec.Forward> forwards, List<InetSocketAddress> endpoints, List<String> relay) {
    this.forwards = List.copyOf(forwards);
    this.endpoints = new LinkedHashSet<>(endpoints);
    this.relay = SILENTLY + relay.stream().map(QemuCommand::quote).collect(Collectors.joining(" "));
    this.forwards.forEach(GuestNetwork::check);
    Map<String, String> names = new LinkedHashMap<>();
    for (InetSocketAddress endpoint : this.endpoints) {
      check(endpoint);
      String name = reach(endpoint.getHostString());
      if (!name.equals(THIS_HOST)) {
        names.computeIfAbsent(name, absent -> "10.0.2." + (FIRST_ADDRESS + names.size()));
      }
    }
    if (names.size() > MAX_NAMES) {
      throw refuse(
          "bad-endpoint", "A guest knows %d brokers at most; permit fewer.".formatted(MAX_NAMES));
    }
    this.hosts = Collections.unmodifiableMap(names);
  }

  /**
   * What a guest calls a host that this machine calls by the given name. An address gets a name,
   * for {@code /etc/hosts} cannot lead from one address to another.
   */
  static String reach(String host) {
    String plain = host.toLowerCase(Locale.ROOT);
    if (isThisHost(plain)) {
      return THIS_HOST;
    }
    if (IPV4.matcher(plain).matches()) {
      return "ip-" + plain.replace('.', '-') + ".fairlead";
    }
    return plain;
  }

  /** The names that the guest knows, each with its address. */
  Map<String, String> hosts() {
    return hosts;
  }

  /** Whether QEMU must start children for it. */
  boolean needsRelay() {
    return !endpoints.isEmpty();
  }

  /** The value of {@code -netdev}. */
  String netdev() {
    List<String> parts = new ArrayList<>();
    parts.add("user,id=n0,ipv6=off,restrict=on");
    for (VmSpec.Forward forward : forwards) {
      parts.add(
          "hostfwd=tcp:%s:%d-:%d"
              .formatted(
                  address(forward.host()).getHostAddress(),
                  forward.host().getPort(),
                  forward.guestPort()));
    }
    for (InetSocketAddress endpoint : endpoints) {
      String host = endpoint.getHostString();
      parts.add(
          "guestfwd=tcp:%s:%d-cmd:%s"
              .formatted(
                  hosts.getOrDefault(reach(host), THIS_HOST),
                  endpoint.getPort(),
                  QemuCommand.escape(relay + " " + host + " " + endpoint.getPort())));
    }
    return String.join(",", parts);
  }

  private static boolean isThisHost(String host) {
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || (IPV4.matcher(host).matches() && host.startsWith("127."))
        || host.equals("0.0.0.0");
  }

  private static void check(VmSpec.Forward forward) {
    if (!isPort(forward.guestPort()) || !isPort(forward.host().getPort())) {
      throw refuse("bad-forward", "The ports of a forward lie between 1 and 65535.");
    }
    address(forward.host());
  }

  private static void check(InetSocketAddress endpoint) {
    String host = endpoint.getHostString();
    if (!isPort(endpoint.getPort()) || !NAME.matcher(host).matches()) {
      throw refuse(
          "bad-endpoint",
          "An endpoint is a host's name or IPv4 address with a port, not %s.".formatted(endpoint));
    }
  }

  private static InetAddress address(InetSocketAddress host) {
    InetAddress address = host.getAddress();
    if (!(address instanceof Inet4Address)) {
      throw refuse(
          "bad-forward",
          "A forward begins at an IPv4 address of this host, not at %s.".formatted(host));
    }
    return address;
  }

  private static boolean isPort(int port) {
    return port > 0 && port < 65536;
  }

  private static HypervisorException refuse(String code, String sentence) {
    return new HypervisorException(HypervisorException.Category.REFUSED, code, sentence);
  }
}
