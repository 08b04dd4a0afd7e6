// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import dev.fairlead.computations.liveness.AgentState;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One start of a VM for a computation. Immutable: a picture of the registry at one moment.
 *
 * @param number from 1, by one for each start
 * @param host the manager that runs it, as its address names it: {@code _host-1}
 * @param digest of the manifest by the public contract, 64 hex digits
 * @param manifestSha256 of the manifest's exact bytes, 64 hex digits
 * @param started when it was registered
 * @param credentialSha256 of the newest credential's content; null until one was issued
 * @param credentialExpiresAt when the newest credential ends by itself; null until one was issued
 * @param vm what is known of the VM
 * @param endKind what the VM's end means, by its manager's word; null before
 * @param endReason the hypervisor's own word; null before
 * @param endedAt when the end was reported, by this host's clock; null before
 * @param agent what was last written down of the agent
 * @param lastHeard when the agent was last heard of, as last written down; null before
 * @param firstLogLine where its logs begin among those of all runs, from 1
 * @param firstEventLine where its events begin among those of all runs, from 1
 * @param transport that its newest credential is for, as last written down; null for the first
 */
public record Run(
    int number,
    String host,
    String digest,
    String manifestSha256,
    Instant started,
    @Nullable String credentialSha256,
    @Nullable Instant credentialExpiresAt,
    VmState vm,
    @Nullable String endKind,
    @Nullable String endReason,
    @Nullable Instant endedAt,
    AgentState agent,
    @Nullable Instant lastHeard,
    long firstLogLine,
    long firstEventLine,
    @Nullable String transport) {}
