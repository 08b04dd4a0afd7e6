// SPDX-License-Identifier: Apache-2.0
/** Whether an agent lives, by the receiver's clock. */
@NullMarked
package dev.fairlead.computations.liveness;

import org.jspecify.annotations.NullMarked;
