// SPDX-License-Identifier: Apache-2.0
/** The client side of the vsock transport. */
@NullMarked
package dev.fairlead.transport.vsock;

import org.jspecify.annotations.NullMarked;
