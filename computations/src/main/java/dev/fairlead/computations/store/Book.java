// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The books of one numbering of one stream. They balance: {@code storedUpTo = stored + lost}.
 *
 * @param stream its name
 * @param epoch its numbering
 * @param storedUpTo the number up to which all is stored, or known to be lost
 * @param stored records on disk
 * @param lost records that gap records stand for
 * @param gaps how many gap records
 * @param since when the first entry came; null while there is none
 * @param until when the last entry came; null while there is none
 */
public record Book(
    String stream,
    String epoch,
    long storedUpTo,
    long stored,
    long lost,
    long gaps,
    @Nullable Instant since,
    @Nullable Instant until) {}
