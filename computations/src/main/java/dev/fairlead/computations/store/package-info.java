// SPDX-License-Identifier: Apache-2.0
/** What computations said, on disk, in the order in which it came, and how to read it again. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.computations.store;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
