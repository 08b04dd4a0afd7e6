// SPDX-License-Identifier: Apache-2.0
/** Starts VMs, watches them from outside, ends them; keeps no database and no manifest. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.manager;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
