// SPDX-License-Identifier: Apache-2.0
/** Baselines: client libraries and brokers as one uses them without Fairlead. */
@NullMarked
package dev.fairlead.bench.raw;

import org.jspecify.annotations.NullMarked;
