// SPDX-License-Identifier: Apache-2.0
/**
 * What a run against a transport needs: its peer and who may connect, links that can be cut,
 * processes.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.bench.rig;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
