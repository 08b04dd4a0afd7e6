// SPDX-License-Identifier: Apache-2.0
/** The contract, run against each transport that Fairlead brings; the saboteurs beside them. */
@NullMarked
package dev.fairlead.conformance;

import org.jspecify.annotations.NullMarked;
