// SPDX-License-Identifier: Apache-2.0
/** The VM SPI: start, find again, watch from outside, end. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.hypervisor.api;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
