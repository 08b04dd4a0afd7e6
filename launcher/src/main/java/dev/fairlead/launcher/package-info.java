// SPDX-License-Identifier: Apache-2.0
/**
 * Starts a flat deployment in Felix. It runs in the guest, where every class loaded costs time, and
 * so it knows neither JSON nor a command line.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.launcher;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
