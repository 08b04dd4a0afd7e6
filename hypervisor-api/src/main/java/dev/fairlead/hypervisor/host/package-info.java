// SPDX-License-Identifier: Apache-2.0
/**
 * What every hypervisor needs of its host: processes that outlive their starter and are found
 * again, and directories that are nobody else's business.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.hypervisor.host;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
