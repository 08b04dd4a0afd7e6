// SPDX-License-Identifier: Apache-2.0
/** VMs by QEMU: composed, started, found again, and watched through QMP. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
