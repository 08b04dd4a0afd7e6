// SPDX-License-Identifier: Apache-2.0
/** The hub: a small broker in the host's own process. */
@NullMarked
package dev.fairlead.transport.vsock.hub;

import org.jspecify.annotations.NullMarked;
