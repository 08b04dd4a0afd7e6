// SPDX-License-Identifier: Apache-2.0
/** The agent's gRPC door, and its client. */
@NullMarked
package dev.fairlead.agent.grpc;

import org.jspecify.annotations.NullMarked;
