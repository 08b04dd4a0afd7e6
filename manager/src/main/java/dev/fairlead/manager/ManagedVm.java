// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One VM with what is known about it. Safe for use by several threads; never blocks. */
final class ManagedVm {

  private final String computation;
  private final Path directory;
  private final boolean digestKnown;
  private final CompletableFuture<VmEnd> done = new CompletableFuture<>();
  private final Object telling = new Object();
  private final String endRequest = UUID.randomUUID().toString();
  private Lease lease;
  private @Nullable Vm vm;
  private @Nullable Duration endWithin;
  private @Nullable String cause;
  private boolean forgotten;

  ManagedVm(Path directory, Lease lease, boolean digestKnown) {
    this.computation = lease.computation();
    this.directory = directory;
    this.lease = lease;
    this.digestKnown = digestKnown;
    lease.end().ifPresent(done::complete);
  }

  String computation() {
    return computation;
  }

  Path directory() {
    return directory;
  }

  /** Held while the registry is told of the end. */
  Object telling() {
    return telling;
  }

  /** The id under which its end is told, so that it counts once. */
  String endRequest() {
    return endRequest;
  }

  /** Completes with the end, after all that belongs to it has been noted here. */
  CompletableFuture<VmEnd> done() {
    return done;
  }

  synchronized Lease lease() {
    return lease;
  }

  synchronized VmState state() {
    if (lease.ended() != null) {
      return VmState.ENDED;
    }
    if (endWithin != null) {
      return VmState.ENDING;
    }
    return lease.booted() ? VmState.BOOTED : VmState.STARTING;
  }

  synchronized VmView view(String hostIp) {
    Vm running = lease.ended() == null ? vm : null;
    return new VmView(
        computation,
        digestKnown ? lease.digest() : null,
        state(),
        hostIp,
        lease.ended() == null ? lease.ports() : null,
        running == null ? 0 : running.pid(),
        running == null ? null : running.accelerator(),
        running == null ? null : running.channel().map(VmChannel::device).orElse(null),
        lease.created(),
        lease.deadline(),
        lease.ended());
  }

  synchronized Lease ports(@Nullable HostPorts ports) {
    lease = lease.withPorts(ports);
    return lease;
  }

  /** It runs. Ends it at once where that was asked for meanwhile. */
  void started(Vm running) {
    Duration grace;
    synchronized (this) {
      vm = running;
      grace = endWithin;
    }
    if (grace != null) {
      var unused = running.end(grace);
    }
  }

  /** Its agent spoke; the lease to be written if that is news. */
  synchronized Optional<Lease> booted() {
    if (lease.booted() || lease.ended() != null) {
      return Optional.empty();
    }
    lease = lease.withBooted();
    return Optional.of(lease);
  }

  /**
   * Asks it to end; the first who asks says why.
   *
   * @param why goes before the hypervisor's own word; null where that says all
   */
  void end(Duration grace, @Nullable String why) {
    Vm running;
    synchronized (this) {
      if (lease.ended() != null) {
        return;
      }
      if (endWithin == null) {
        endWithin = grace;
        cause = why;
      }
      running = vm;
    }
    if (running != null) {
      var unused = running.end(grace);
    }
  }

  /** It has ended; the lease to be written if that is news. */
  synchronized Optional<Lease> ended(VmEnd end) {
    if (lease.ended() != null) {
      return Optional.empty();
    }
    String reason = Lease.shorten(end.reason());
    VmEnd told =
        cause == null
            ? new VmEnd(end.kind(), reason, end.exitCode(), end.at())
            : new VmEnd(
                VmEnd.Kind.STOPPED, Lease.shorten(cause + ", " + reason), end.exitCode(), end.at());
    lease = lease.withEnded(told);
    vm = null;
    return Optional.of(lease);
  }

  /** The registry knows that it has ended. */
  synchronized Lease told() {
    lease = lease.withTold();
    return lease;
  }

  /** Whether its end has been noted here, and the registry does not know it yet. */
  synchronized boolean isToBeTold() {
    return done.isDone() && !lease.told();
  }

  /** Nobody wants to see it any more. */
  synchronized void forget() {
    forgotten = true;
  }

  synchronized boolean isForgotten() {
    return forgotten;
  }

  /** Whether its deadline has passed and nobody has asked it to end. */
  synchronized boolean isOverdue(Instant now) {
    Instant deadline = lease.deadline();
    return deadline != null
        && lease.ended() == null
        && endWithin == null
        && !now.isBefore(deadline);
  }

  /** Lets go of it. */
  void release() {
    Vm running;
    synchronized (this) {
      running = vm;
    }
    if (running != null) {
      running.release();
    }
  }
}
