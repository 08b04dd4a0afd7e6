// SPDX-License-Identifier: Apache-2.0
/**
 * The transport SPI: types that carry bytes between addresses.
 *
 * <p>The contract is written as numbered rules in the README of {@code transport-tck}; the Javadoc
 * here says what a caller needs, and names the rule where there is one.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.api;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
