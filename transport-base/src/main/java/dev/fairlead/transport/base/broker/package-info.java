// SPDX-License-Identifier: Apache-2.0
/** A broker as a child process, and what it needs: certificates, private files, a lock. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.base.broker;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
