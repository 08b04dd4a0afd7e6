// SPDX-License-Identifier: Apache-2.0
/** What transports that keep one connection to a broker have in common. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.base;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
