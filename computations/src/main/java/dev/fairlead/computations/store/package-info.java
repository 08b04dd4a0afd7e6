// SPDX-License-Identifier: Apache-2.0
/** What computations said, on disk, in the order in which it came, and how to read it again. */
@NullMarked
package dev.fairlead.computations.store;

import org.jspecify.annotations.NullMarked;
