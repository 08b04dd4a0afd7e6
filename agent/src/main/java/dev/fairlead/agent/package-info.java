// SPDX-License-Identifier: Apache-2.0
/**
 * What the agent offers to its doors: its state, challenges, uploads and the result. A door
 * translates these to one protocol, and adds nothing.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.agent;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
