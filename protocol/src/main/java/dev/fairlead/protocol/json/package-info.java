// SPDX-License-Identifier: Apache-2.0
/**
 * An immutable JSON tree that trusts nobody: bounded, exact in its numbers, and clear about what is
 * wrong where.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.protocol.json;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
