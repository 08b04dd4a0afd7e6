// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

/**
 * What the agent gives to someone who is about to show a role.
 *
 * @param computation whose agent this is
 * @param nonce printable ASCII; good for one use
 * @param validMillis for how long, in ms from now
 * @param artefact for a consumer, what stands in the {@code artefact} line of the text to sign: the
 *     result's digest, or the word "none" when the run failed; empty for the other roles
 */
public record Challenge(String computation, String nonce, long validMillis, String artefact) {}
