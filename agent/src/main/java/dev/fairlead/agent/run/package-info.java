// SPDX-License-Identifier: Apache-2.0
/** How an algorithm runs: sandbox, limits, what it prints, and its packed result. */
@NullMarked
package dev.fairlead.agent.run;

import org.jspecify.annotations.NullMarked;
