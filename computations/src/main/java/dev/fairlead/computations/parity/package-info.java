// SPDX-License-Identifier: Apache-2.0
/**
 * Compares what came over one transport with what came over another, before repeats are dropped.
 */
@NullMarked
package dev.fairlead.computations.parity;

import org.jspecify.annotations.NullMarked;
