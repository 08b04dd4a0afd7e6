// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

/** What runs the guest's instructions. */
enum Accelerator {
  /** The processor, by the host's kernel. */
  KVM("kvm", "kvm", "max"),
  /**
   * QEMU's translator. The buffer for translated code is bounded: it is host memory per VM. What
   * makes a real processor faster makes an emulated one slower: string instructions that are quick
   * by the byte are copied byte by byte, wide registers and a fifth level of page tables are only
   * more to do. Without them a guest starts in a tenth less time.
   */
  TCG("tcg", "tcg,thread=multi,tb-size=128", "max,-erms,-fsrm,-avx,-avx2,-la57");

  private final String word;
  private final String argument;
  private final String processor;

  Accelerator(String word, String argument, String processor) {
    this.word = word;
    this.argument = argument;
    this.processor = processor;
  }

  /** Its name in the API and on disk. */
  String word() {
    return word;
  }

  /** What QEMU's {@code -accel} takes. */
  String argument() {
    return argument;
  }

  /** What QEMU's {@code -cpu} takes: "max" is the one processor that both know. */
  String processor() {
    return processor;
  }
}
