// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.vsock.hub;

import org.jspecify.annotations.NullMarked;
