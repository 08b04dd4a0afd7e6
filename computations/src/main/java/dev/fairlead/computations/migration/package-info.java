// SPDX-License-Identifier: Apache-2.0
/** Moving a fleet from one transport to another, step by step, and back. */
@NullMarked
package dev.fairlead.computations.migration;

import org.jspecify.annotations.NullMarked;
