// SPDX-License-Identifier: Apache-2.0
/** A message to oneself over any transport. */
@NullMarked
package dev.fairlead.roundtrip;

import org.jspecify.annotations.NullMarked;
