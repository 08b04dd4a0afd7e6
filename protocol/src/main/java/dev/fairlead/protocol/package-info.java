// SPDX-License-Identifier: Apache-2.0
/** What agent, manager and computations say to one another, with its limits. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.protocol;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
