// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.liveness;

/** What is known of an agent, from what it says and from what others say of its VM. */
public enum AgentState {
  /** Registered; nothing has been heard of it yet. */
  STARTING,
  /** It was heard of in time. */
  CONNECTED,
  /** Two heartbeats in a row are missing. */
  LATE,
  /** Three or more are missing. It may come back. */
  DISCONNECTED,
  /** Its VM has ended, or its credential has: it cannot come back in this run. */
  GONE;

  /** The word that is shown and stored: {@code late}. */
  public String word() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /**
   * The state of a word.
   *
   * @throws IllegalArgumentException for any other word
   */
  public static AgentState of(String word) {
    return valueOf(word.toUpperCase(java.util.Locale.ROOT));
  }
}
