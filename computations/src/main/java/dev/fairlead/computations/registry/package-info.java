// SPDX-License-Identifier: Apache-2.0
/** What is known of each computation, in a database that survives every restart. */
@NullMarked
package dev.fairlead.computations.registry;

import org.jspecify.annotations.NullMarked;
