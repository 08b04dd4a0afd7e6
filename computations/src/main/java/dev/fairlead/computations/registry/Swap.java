// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An order to an agent to change its transport, and what became of it.
 *
 * @param command the order's id, unique for ever
 * @param run of the computation, in which it was given
 * @param from the transport that the agent was on
 * @param to the one that it is to go to
 * @param state where it stands
 * @param credentialSha256 of the credential for the new transport; null until one was issued
 * @param credentialExpiresAt when that ends by itself; null until one was issued
 * @param ended when it was decided; null before
 * @param code why it failed; null where it did not
 * @param reason the same for a person; null where it did not
 */
public record Swap(
    String command,
    String computation,
    int run,
    String from,
    String to,
    Instant started,
    State state,
    @Nullable String credentialSha256,
    @Nullable Instant credentialExpiresAt,
    @Nullable Instant ended,
    @Nullable String code,
    @Nullable String reason) {

  /** Where an order stands. */
  public enum State {
    /** Nobody knows yet. */
    UNDER_WAY("under-way"),
    /** The agent speaks over the new transport. */
    DONE("done"),
    /** It stays on the old one, or its run is over. */
    FAILED("failed");

    private final String word;

    State(String word) {
      this.word = word;
    }

    /** The word for it in the registry and the API. */
    public String word() {
      return word;
    }

    static State of(String word) {
      for (State state : values()) {
        if (state.word.equals(word)) {
          return state;
        }
      }
      throw new IllegalArgumentException("No state of a swap is called '%s'.".formatted(word));
    }
  }

  /** The transport whose credential is of no more use; null while nobody knows. */
  public @Nullable String leftover() {
    return switch (state) {
      case UNDER_WAY -> null;
      case DONE -> from;
      case FAILED -> to;
    };
  }

  /** The same, decided. */
  public Swap decided(State next, Instant at, @Nullable String why, @Nullable String sentence) {
    return new Swap(
        command,
        computation,
        run,
        from,
        to,
        started,
        next,
        credentialSha256,
        credentialExpiresAt,
        at,
        why,
        sentence);
  }

  /** The same, with its credential. */
  public Swap with(String sha256, Instant expiresAt) {
    return new Swap(
        command,
        computation,
        run,
        from,
        to,
        started,
        state,
        sha256,
        expiresAt,
        ended,
        code,
        reason);
  }
}
