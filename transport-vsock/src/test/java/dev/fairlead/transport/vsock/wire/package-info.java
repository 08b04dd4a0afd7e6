// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.vsock.wire;

import org.jspecify.annotations.NullMarked;
