// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

/** In which role someone speaks to the agent. The manifest holds the keys of each. */
public enum Role {
  /** Sends the algorithm. */
  ALGORITHM_PROVIDER("algorithm-provider"),
  /** Sends a dataset. */
  DATA_PROVIDER("data-provider"),
  /** Takes the result. */
  CONSUMER("consumer");

  private final String word;

  Role(String word) {
    this.word = word;
  }

  /** The word that stands in requests and in the signed text. */
  public String word() {
    return word;
  }

  /**
   * The role of a word.
   *
   * @throws AgentException {@code INVALID}, code {@code unknown-role}
   */
  public static Role of(String word) {
    for (Role role : values()) {
      if (role.word.equals(word)) {
        return role;
      }
    }
    throw new AgentException(
        AgentException.Reason.INVALID,
        "unknown-role",
        "The role must be algorithm-provider, data-provider or consumer.");
  }
}
