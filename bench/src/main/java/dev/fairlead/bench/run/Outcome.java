// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Cost;
import dev.fairlead.bench.results.Rates;
import dev.fairlead.bench.results.Recovery;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What a scenario measured while it ran.
 *
 * @param rates null where rates mean nothing
 * @param othersBusy how many processors others kept busy meanwhile; empty where it is not known
 */
record Outcome(@Nullable Rates rates, Cost cost, Recovery recovery, OptionalDouble othersBusy) {}
