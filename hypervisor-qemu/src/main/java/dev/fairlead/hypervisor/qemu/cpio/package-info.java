// SPDX-License-Identifier: Apache-2.0
/** Writes what the kernel unpacks at boot. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.hypervisor.qemu.cpio;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
