// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import org.osgi.annotation.versioning.ConsumerType;

/** Told what is seen of a VM from outside. Called by one thread at a time; must not block. */
@ConsumerType
public interface VmListener {

  /**
   * The VM is about to start, and will connect by a channel of its own. Called once, before the
   * guest runs, by the thread that starts it; may block. What it throws prevents the start, and is
   * thrown by it. An adopted VM has its channel already.
   */
  default void opening(VmChannel channel) {}

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
