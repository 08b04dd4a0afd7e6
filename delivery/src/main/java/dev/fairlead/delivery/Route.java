// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.util.Optional;

/** Says which streams an inbox takes, and where it acknowledges them. Must not block. */
public interface Route {

  /**
   * Where batches of a stream are acknowledged; empty when they are not taken at all. Asked once
   * for each stream, and again when the inbox has forgotten it: so whoever answers also bounds how
   * many epochs one sender may open.
   */
  Optional<String> acks(StreamId stream);
}
