// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Starts VMs and finds them again. An OSGi service. Keeps no record of its own: what is needed to
 * find a VM again lies in its run directory. Safe for use by several threads.
 */
@ProviderType
public interface Hypervisor {

  /** The name under which deployments choose it: {@code qemu}. */
  String name();

  /**
   * What a guest of this hypervisor calls an endpoint. Public facts for the guest are written with
   * it.
   *
   * @param endpoint as this machine calls it: {@code tls://localhost:4222}
   * @param runDirectory of the guest's VM
   * @throws HypervisorException {@code REFUSED}, code {@code bad-endpoint}, when no guest could be
   *     led there
   */
  URI reach(URI endpoint, Path runDirectory);

  /**
   * Starts a VM in its run directory, which exists, is the owner's alone (0700), and holds no
   * earlier VM's {@code vm.json}; other files in it are left alone. Blocks until the VM runs, not
   * until its agent does.
   *
   * @throws HypervisorException {@code REFUSED} for a spec that cannot be, {@code RETRY} with code
   *     {@code port-taken} when a host port of the spec is in use, {@code BROKEN} when this host
   *     cannot start VMs
   */
  Vm start(VmSpec spec, VmListener listener);

  /**
   * Finds the VM of a run directory again, after a restart of this process. Touches nothing that it
   * is not sure of: a PID counts only with its start time, and the VM must answer to its name.
   *
   * @return empty when it runs no more, or is another's
   * @throws HypervisorException when the run directory cannot be read
   */
  Optional<Vm> adopt(Path runDirectory, VmListener listener);
}
