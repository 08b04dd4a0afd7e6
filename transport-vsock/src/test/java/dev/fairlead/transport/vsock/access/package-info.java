// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.vsock.access;

import org.jspecify.annotations.NullMarked;
