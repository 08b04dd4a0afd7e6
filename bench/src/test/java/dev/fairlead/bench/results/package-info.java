// SPDX-License-Identifier: Apache-2.0
/** Tests of how results are shown. */
@NullMarked
package dev.fairlead.bench.results;

import org.jspecify.annotations.NullMarked;
