// SPDX-License-Identifier: Apache-2.0
/** Stream sockets of AF_VSOCK. */
@NullMarked
package dev.fairlead.lib.junixsocket;

import org.jspecify.annotations.NullMarked;
