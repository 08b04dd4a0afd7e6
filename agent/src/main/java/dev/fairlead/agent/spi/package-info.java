// SPDX-License-Identifier: Apache-2.0
/** How kinds of algorithms are added to the agent. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.agent.spi;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
