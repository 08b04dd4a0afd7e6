// SPDX-License-Identifier: Apache-2.0
/** Deployments: OSGi Feature JSON with variables, made flat for the launcher. */
@NullMarked
package dev.fairlead.runtime.deployment;

import org.jspecify.annotations.NullMarked;
