// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import org.osgi.annotation.versioning.ConsumerType;

/** Told what is seen of a VM from outside. Called by one thread at a time; must not block. */
@ConsumerType
public interface VmListener {

  /**
   * Something was noticed that does not end the VM.
   *
   * @param what stable, lower-case words joined by hyphens: {@code restarted-with-tcg}
   * @param detail one sentence for a person
   */
  void noticed(Vm vm, String what, String detail);

  /** It has ended; told once, within a second of the end, and last. */
  void ended(Vm vm, VmEnd end);
}
