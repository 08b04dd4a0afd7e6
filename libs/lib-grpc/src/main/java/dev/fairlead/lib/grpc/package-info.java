// SPDX-License-Identifier: Apache-2.0
/** What of gRPC cannot be had without naming its shaded netty. */
@NullMarked
package dev.fairlead.lib.grpc;

import org.jspecify.annotations.NullMarked;
