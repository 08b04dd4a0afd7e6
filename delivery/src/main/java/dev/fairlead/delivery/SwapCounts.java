// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/**
 * How often what was opened of one transport was to be replaced by another.
 *
 * @param done how often it was
 * @param failed how often it was not, so that the old one stayed
 */
public record SwapCounts(long done, long failed) {

  static final SwapCounts NONE = new SwapCounts(0, 0);

  SwapCounts plus(SwapCounts other) {
    return new SwapCounts(done + other.done, failed + other.failed);
  }
}
