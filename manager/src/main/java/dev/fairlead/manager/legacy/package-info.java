// SPDX-License-Identifier: Apache-2.0
/** Guests of 2024: their own frames, into the same store; at least once, and marked as such. */
@NullMarked
package dev.fairlead.manager.legacy;

import org.jspecify.annotations.NullMarked;
