// SPDX-License-Identifier: Apache-2.0
/** The agent's gRPC door, and its client. */
@Export
@NullMarked
@Version("1.0.0")
package dev.fairlead.agent.grpc;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
