// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * What was measured: a transport of ours, or a baseline that it is held against.
 *
 * @param transport the transport's name, of a baseline too: {@code nats}; a setting that makes a
 *     row of its own is part of it: {@code mqtt-qos1}
 * @param baseline the baseline's name ({@code jnats-core}), null for ours
 */
public record Subject(String transport, @Nullable String baseline) {

  /** Checks the names. */
  public Subject {
    requireNonNull(transport, "transport is null");
  }

  /** A transport of ours. */
  public static Subject ours(String transport) {
    return new Subject(transport, null);
  }

  /** A raw client. */
  public static Subject baseline(String transport, String baseline) {
    return new Subject(transport, requireNonNull(baseline, "baseline is null"));
  }

  /** Whether it is a transport of ours. */
  public boolean isOurs() {
    return baseline == null;
  }

  /** The name to show: that of the baseline, else that of the transport. */
  public String label() {
    return baseline == null ? transport : baseline;
  }
}
