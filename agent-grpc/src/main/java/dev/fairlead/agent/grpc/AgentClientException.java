// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import static java.util.Objects.requireNonNull;

/** Why the agent did not do what a client asked: its own code and sentence, where it gave them. */
public final class AgentClientException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String code;

  /** Makes one that has no cause beside itself. */
  AgentClientException(String code, String sentence) {
    super(sentence);
    this.code = requireNonNull(code, "code is null");
  }

  /** Makes one. */
  AgentClientException(String code, String sentence, Throwable cause) {
    super(sentence, cause);
    this.code = requireNonNull(code, "code is null");
  }

  /**
   * The stable code: the agent's; {@code no-connection} when it did not answer; {@code
   * another-computation} when another's answered; {@code call-failed} when it, or what stands
   * before it, answered in a way that is not an agent's.
   */
  public String code() {
    return code;
  }
}
