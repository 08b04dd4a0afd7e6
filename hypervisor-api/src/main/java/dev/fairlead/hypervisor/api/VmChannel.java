// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import static java.util.Objects.requireNonNull;

import java.net.URI;

/**
 * A way between a VM and this host that needs no network, and on which this host knows for sure
 * which VM it hears.
 *
 * @param peer what the VM's connections come from: {@code vsock://<cid>}, or {@code
 *     unix:///<path>}, the socket that stands for the VM; by the hybrid convention connections to
 *     port P of the host arrive at {@code <path>_P}
 * @param device what the VM sees: {@code vhost-vsock-pci}, {@code vhost-user-vsock-pci}; {@code
 *     unix-socket} where there is no VM
 */
public record VmChannel(URI peer, String device) {

  /** Checks for null. */
  public VmChannel {
    requireNonNull(peer, "peer is null");
    requireNonNull(device, "device is null");
  }
}
