// SPDX-License-Identifier: Apache-2.0
/**
 * The contract of the transport SPI as tests: subclass {@link
 * dev.fairlead.transport.tck.TransportContract}, supply a {@link
 * dev.fairlead.transport.tck.Harness}. The rules stand in the module's README.
 */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.transport.tck;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
