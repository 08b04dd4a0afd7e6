// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

/**
 * How fast it went, warm-up aside.
 *
 * @param producerPerSecond records a second that the producer handed over
 * @param endToEndPerSecond records a second that the collector had stored as it promises (synced,
 *     where it syncs), or a baseline's receiver had received
 */
public record Rates(double producerPerSecond, double endToEndPerSecond) {

  /** Payload in MB (10⁶ bytes) a second that the producer handed over. */
  public double producerMBps(int payloadBytes) {
    return producerPerSecond * payloadBytes / 1e6;
  }

  /** Payload in MB (10⁶ bytes) a second that was stored. */
  public double endToEndMBps(int payloadBytes) {
    return endToEndPerSecond * payloadBytes / 1e6;
  }
}
