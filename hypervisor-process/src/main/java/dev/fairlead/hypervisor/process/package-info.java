// SPDX-License-Identifier: Apache-2.0
/** The agent as a plain child process: for development and load tests. Isolates nothing. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.hypervisor.process;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
