// SPDX-License-Identifier: Apache-2.0
/** A small server and client for JSON over HTTP, on what the JDK brings. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.http;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
