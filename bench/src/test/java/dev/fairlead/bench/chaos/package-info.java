// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.bench.chaos;

import org.jspecify.annotations.NullMarked;
