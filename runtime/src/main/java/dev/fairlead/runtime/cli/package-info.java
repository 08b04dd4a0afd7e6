// SPDX-License-Identifier: Apache-2.0
/** The {@code fairlead} command. */
@NullMarked
package dev.fairlead.runtime.cli;

import org.jspecify.annotations.NullMarked;
