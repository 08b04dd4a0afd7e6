// SPDX-License-Identifier: Apache-2.0
/**
 * Builds what a VM boots. {@link ImageBuilder} is the way in.
 *
 * <p>All of it is deterministic: entries are sorted, times fixed, owners root, and what cannot be
 * made the same twice is left out and said.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.agent.image;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
