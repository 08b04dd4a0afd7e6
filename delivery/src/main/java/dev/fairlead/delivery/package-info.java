// SPDX-License-Identifier: Apache-2.0
/** Brings numbered records over any transport: nothing lost unseen, nothing twice, in order. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.delivery;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
