// SPDX-License-Identifier: Apache-2.0
/** What a benchmark found, and how it is shown: files, table, report, comparison. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.bench.results;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
