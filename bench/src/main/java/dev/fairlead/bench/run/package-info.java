// SPDX-License-Identifier: Apache-2.0
/**
 * Runs scenarios over transports and raw clients, side by side: who sends, who carries and who
 * receives are processes of their own, which are measured from outside.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.bench.run;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
