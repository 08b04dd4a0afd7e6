// SPDX-License-Identifier: Apache-2.0
/**
 * The control side of a transport, apart from the carrying of bytes: who may connect, and which
 * addresses that opens to them.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.access;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
