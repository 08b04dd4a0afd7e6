// SPDX-License-Identifier: Apache-2.0
/** Thin shells that put the agent together from configuration and services. */
@NullMarked
package dev.fairlead.agent.component;

import org.jspecify.annotations.NullMarked;
