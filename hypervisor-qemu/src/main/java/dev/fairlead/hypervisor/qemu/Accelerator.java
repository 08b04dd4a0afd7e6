// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

/** What runs the guest's instructions. */
enum Accelerator {
  /** The processor, by the host's kernel. */
  KVM("kvm", "kvm"),
  /** QEMU's translator. The buffer for translated code is bounded: it is host memory per VM. */
  TCG("tcg", "tcg,thread=multi,tb-size=128");

  private final String word;
  private final String argument;

  Accelerator(String word, String argument) {
    this.word = word;
    this.argument = argument;
  }

  /** Its name in the API and on disk. */
  String word() {
    return word;
  }

  /** What QEMU's {@code -accel} takes. */
  String argument() {
    return argument;
  }
}
