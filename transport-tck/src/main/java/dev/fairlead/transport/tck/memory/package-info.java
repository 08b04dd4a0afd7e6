// SPDX-License-Identifier: Apache-2.0
/** The reference transport: a hub within the JVM, with grants, and faults on demand. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.tck.memory;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
