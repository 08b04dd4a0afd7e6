// SPDX-License-Identifier: Apache-2.0
/** What is chosen of each transport's bundle, on disk, and how it is changed in a framework. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.bundles;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
