// SPDX-License-Identifier: Apache-2.0
/** What goes over the wire between an end and the hub, and the sockets that it goes over. */
@NullMarked
package dev.fairlead.transport.vsock.wire;

import org.jspecify.annotations.NullMarked;
