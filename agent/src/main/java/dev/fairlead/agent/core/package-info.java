// SPDX-License-Identifier: Apache-2.0
/** What the agent does: states, manifest, roles, uploads, and its way to the outside. */
@NullMarked
package dev.fairlead.agent.core;

import org.jspecify.annotations.NullMarked;
