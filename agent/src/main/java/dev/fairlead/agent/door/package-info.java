// SPDX-License-Identifier: Apache-2.0
/** The agent's HTTP door. */
@NullMarked
package dev.fairlead.agent.door;

import org.jspecify.annotations.NullMarked;
