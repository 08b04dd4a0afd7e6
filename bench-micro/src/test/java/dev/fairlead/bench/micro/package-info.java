// SPDX-License-Identifier: Apache-2.0
/** Benchmarks of the steps that each record and each batch takes. */
@NullMarked
package dev.fairlead.bench.micro;

import org.jspecify.annotations.NullMarked;
