// SPDX-License-Identifier: Apache-2.0
/** VMs by QEMU: composed, started, found again, and watched through QMP. */
@NullMarked
package dev.fairlead.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
