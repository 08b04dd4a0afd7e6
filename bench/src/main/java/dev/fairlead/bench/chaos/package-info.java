// SPDX-License-Identifier: Apache-2.0
/** Faults from a seed while lines flow, and the recount of every line afterwards. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.bench.chaos;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
