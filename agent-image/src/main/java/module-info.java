// SPDX-License-Identifier: Apache-2.0
/** Builds the guest: kernel and initramfs, the same bytes each time. */
module dev.fairlead.agent.image {
  requires dev.fairlead.hypervisor.qemu;
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.agent.image;
}
