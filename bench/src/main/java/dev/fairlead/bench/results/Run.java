// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run of one case over one transport or baseline. What a case does not measure is null or
 * {@code NONE}.
 *
 * @param subject what was measured
 * @param testCase what was done
 * @param repeat which repeat, from 1
 * @param window records that may be under way at once, null where nothing bounds them
 * @param counts what became of the records
 * @param rates how fast
 * @param latency from when a record was meant to be sent until the collector had written it (not
 *     yet synced); a baseline's receiver, until it had received it
 * @param ack from when a record was meant to be sent until the agent knew that it is stored
 * @param cost what it took
 * @param recovery how long after a fault
 * @param change of the transport while records flowed
 * @param timeline how it went by
 * @param memory what it used, of a long run
 * @param loadBefore the machine's load of one minute just before
 * @param loadAfter the same just after
 * @param marks why the figures are doubtful, a sentence each: other work on the machine, …
 */
public record Run(
    Subject subject,
    Case testCase,
    int repeat,
    @Nullable Integer window,
    Counts counts,
    @Nullable Rates rates,
    @Nullable Latency latency,
    @Nullable Latency ack,
    Cost cost,
    Recovery recovery,
    Change change,
    Timeline timeline,
    Memory memory,
    double loadBefore,
    double loadAfter,
    List<String> marks) {

  /** Checks for null, copies the list. */
  public Run {
    requireNonNull(subject, "subject is null");
    requireNonNull(testCase, "testCase is null");
    requireNonNull(counts, "counts is null");
    requireNonNull(cost, "cost is null");
    requireNonNull(recovery, "recovery is null");
    requireNonNull(change, "change is null");
    requireNonNull(timeline, "timeline is null");
    requireNonNull(memory, "memory is null");
    marks = List.copyOf(marks);
  }

  /** Whether its figures are doubtful. */
  public boolean isMarked() {
    return !marks.isEmpty();
  }

  /** The same with a further reason for doubt. */
  public Run marked(String why) {
    List<String> more = new ArrayList<>(marks);
    more.add(why);
    return new Run(
        subject,
        testCase,
        repeat,
        window,
        counts,
        rates,
        latency,
        ack,
        cost,
        recovery,
        change,
        timeline,
        memory,
        loadBefore,
        loadAfter,
        more);
  }
}
