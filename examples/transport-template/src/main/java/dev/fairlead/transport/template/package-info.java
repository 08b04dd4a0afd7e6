// SPDX-License-Identifier: Apache-2.0
/** A transport to begin from: frames over TCP, through a hub of its own. */
@NullMarked
package dev.fairlead.transport.template;

import org.jspecify.annotations.NullMarked;
