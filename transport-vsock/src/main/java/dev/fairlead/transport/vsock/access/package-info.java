// SPDX-License-Identifier: Apache-2.0
/** The access side of the vsock transport: credentials, admitted peers, and the hub's keeper. */
@NullMarked
package dev.fairlead.transport.vsock.access;

import org.jspecify.annotations.NullMarked;
