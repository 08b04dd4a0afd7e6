// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.lib.junixsocket;

import org.jspecify.annotations.NullMarked;
