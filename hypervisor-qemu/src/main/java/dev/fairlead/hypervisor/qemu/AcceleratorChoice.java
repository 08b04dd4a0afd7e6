// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

/** Who decides what runs the guests. */
public enum AcceleratorChoice {
  /** The host is probed; a guest that shows no life under KVM is started again with TCG, once. */
  AUTO,
  /** KVM, or nothing. */
  KVM,
  /** QEMU's translator. */
  TCG
}
