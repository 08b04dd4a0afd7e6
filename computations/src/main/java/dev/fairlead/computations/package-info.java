// SPDX-License-Identifier: Apache-2.0
/** The service itself: what it answers to agents, managers and people. */
@NullMarked
package dev.fairlead.computations;

import org.jspecify.annotations.NullMarked;
