// SPDX-License-Identifier: Apache-2.0
/** VMs by QEMU: composed, started, found again, and watched through QMP. */
module dev.fairlead.hypervisor.qemu {
  requires transitive dev.fairlead.hypervisor.api;
  requires dev.fairlead.protocol;
  requires static org.jspecify;
  requires static org.osgi.service.component.annotations;
  requires static osgi.annotation;

  exports dev.fairlead.hypervisor.qemu;
  exports dev.fairlead.hypervisor.qemu.cpio;
}
