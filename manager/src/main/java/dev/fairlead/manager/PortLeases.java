// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.RETRY;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Who has which host port. Two VMs of this manager never get the same one: a lease is taken in one
 * step. Whether a stranger uses a port is found out by binding it; a stranger that takes it
 * afterwards is found out by the hypervisor, and then the lease is given back as spoilt.
 */
final class PortLeases {

  private static final Duration SPOILT = Duration.ofSeconds(30);

  private final ManagerSettings.Ports plan;
  private final InetAddress address;
  private final InstantSource clock;
  private final Set<Integer> leased = new HashSet<>();
  private final Map<Integer, Instant> spoilt = new HashMap<>();

  PortLeases(ManagerSettings.Ports plan, InetAddress address, InstantSource clock) {
    this.plan = plan;
    this.address = address;
    this.clock = clock;
  }

  /**
   * Takes three ports.
   *
   * @throws ManagerException {@code RETRY}, code {@code no-port}
   */
  synchronized HostPorts lease() {
    Set<Integer> taken = new HashSet<>();
    try {
      HostPorts ports =
          new HostPorts(
              take(plan.firstSsh(), taken),
              take(plan.firstHttp(), taken),
              take(plan.firstGrpc(), taken));
      leased.addAll(taken);
      return ports;
    } catch (IOException e) {
      throw new ManagerException(
          RETRY,
          "no-port",
          "No host port is free between %d and %d: end a VM, or widen MANAGER_QEMU_HOST_FWD_RANGE."
              .formatted(plan.from(), plan.to()),
          e);
    }
  }

  /** Notes the ports of a VM that was found again. */
  synchronized void adopt(HostPorts ports) {
    leased.addAll(ports.all());
  }

  /** Gives ports back. */
  synchronized void release(HostPorts ports) {
    leased.removeAll(ports.all());
  }

  /** Gives ports back of which a stranger has one: they are not given again for a while. */
  synchronized void releaseSpoilt(HostPorts ports) {
    release(ports);
    Instant until = clock.instant().plus(SPOILT);
    ports.all().forEach(port -> spoilt.put(port, until));
  }

  /** How many ports are out. */
  synchronized int count() {
    return leased.size();
  }

  private int take(int first, Set<Integer> taken) throws IOException {
    if (first != 0 && isFree(first, taken)) {
      taken.add(first);
      return first;
    }
    for (int port = plan.from(); port <= plan.to(); port++) {
      if (isFree(port, taken)) {
        taken.add(port);
        return port;
      }
    }
    throw new IOException("All ports of the range are in use.");
  }

  private boolean isFree(int port, Set<Integer> taken) {
    if (leased.contains(port) || taken.contains(port)) {
      return false;
    }
    Instant until = spoilt.get(port);
    if (until != null) {
      if (clock.instant().isBefore(until)) {
        return false;
      }
      spoilt.remove(port);
    }
    try (ServerSocket probe = new ServerSocket()) {
      // As whoever forwards it does: a connection that lingers from the VM before does not count.
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(address, port), 1);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
