// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.RETRY;
import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who has which host port. Two VMs never get the same one, be they of this manager or of another on
 * this machine. A VM may take a while to listen on its ports (an agent without a guest does when it
 * has said hello), so that to bind them once does not tell whether they are given away. Therefore a
 * lease holds, for each of its ports, the UDP port of the same number on loopback: the system gives
 * that to one process alone, in one step, and takes it back however the process ends. There is no
 * file that could be left behind, planted, or seen by only one of two containers that share their
 * ports. Nothing is sent or received there.
 *
 * <p>Whether a stranger uses a port is found out by binding it; a stranger that takes it afterwards
 * is found out by the hypervisor, and then the lease is given back as spoilt.
 */
final class PortLeases implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(PortLeases.class.getName());
  private static final Duration SPOILT = Duration.ofSeconds(30);

  private final ManagerSettings.Ports plan;
  private final InetAddress address;
  private final InstantSource clock;

  /** What holds each port that is leased; nothing where another manager holds it. */
  private final Map<Integer, Optional<DatagramSocket>> leased = new HashMap<>();

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
    List<Integer> taken = new ArrayList<>();
    try {
      taken.add(take(plan.firstSsh()));
      taken.add(take(plan.firstHttp()));
      taken.add(take(plan.firstGrpc()));
      return new HostPorts(taken.get(0), taken.get(1), taken.get(2));
    } catch (IOException e) {
      taken.forEach(this::release);
      throw new ManagerException(
          RETRY,
          "no-port",
          "No host port is free between %d and %d: end a VM, or widen MANAGER_QEMU_HOST_FWD_RANGE."
              .formatted(plan.from(), plan.to()),
          e);
    }
  }

  /**
   * Notes the ports of a VM that was found again, also where another manager has given one of them
   * to a VM of its own meanwhile: this VM is there, and has it or has not.
   */
  synchronized void adopt(HostPorts ports) {
    for (int port : ports.all()) {
      if (leased.containsKey(port)) {
        continue;
      }
      Optional<DatagramSocket> held = hold(port);
      if (held.isEmpty()) {
        LOG.log(
            WARNING,
            "Another process has given host port {0} away, which a VM of this manager has.",
            Integer.toString(port));
      }
      leased.put(port, held);
    }
  }

  /** Gives ports back. */
  synchronized void release(HostPorts ports) {
    ports.all().forEach(this::release);
  }

  private void release(int port) {
    Optional<DatagramSocket> held = leased.remove(port);
    if (held != null) {
      held.ifPresent(DatagramSocket::close);
    }
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

  /** Gives all ports back. VMs that run on keep theirs by listening there. Idempotent. */
  @Override
  public synchronized void close() {
    List.copyOf(leased.keySet()).forEach(this::release);
  }

  private int take(int first) throws IOException {
    if (first != 0 && tryTake(first)) {
      return first;
    }
    for (int port = plan.from(); port <= plan.to(); port++) {
      if (tryTake(port)) {
        return port;
      }
    }
    throw new IOException("All ports of the range are in use.");
  }

  /** Leases a port if nobody has it; says whether that is so. */
  private boolean tryTake(int port) {
    if (leased.containsKey(port)) {
      return false;
    }
    Instant until = spoilt.get(port);
    if (until != null) {
      if (clock.instant().isBefore(until)) {
        return false;
      }
      spoilt.remove(port);
    }
    Optional<DatagramSocket> held = hold(port);
    if (held.isEmpty()) {
      return false;
    }
    if (isInUse(port)) {
      held.get().close();
      return false;
    }
    leased.put(port, held);
    return true;
  }

  /** Nothing where another process holds it. */
  private static Optional<DatagramSocket> hold(int port) {
    try {
      return Optional.of(new DatagramSocket(port, InetAddress.getLoopbackAddress()));
    } catch (IOException e) {
      LOG.log(DEBUG, "Port {0} is held by another: {1}", Integer.toString(port), e.getMessage());
      return Optional.empty();
    }
  }

  private boolean isInUse(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      // As whoever forwards it does: a connection that lingers from the VM before does not count.
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(address, port), 1);
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
