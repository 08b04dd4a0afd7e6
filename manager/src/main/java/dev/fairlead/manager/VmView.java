// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A VM as it is at one moment.
 *
 * @param computation its name
 * @param digest of its manifest; null where a VM was found again without it
 * @param hostIp how others reach this host
 * @param ports that lead to it; null where it has none
 * @param pid of the process that runs it; 0 where none does
 * @param accelerator what runs its instructions; null where nothing does
 * @param device by which it connects without a network; null where it has none, or nothing runs it
 * @param deadline when it will be ended; null for never
 * @param end how it ended; null while it has not
 */
public record VmView(
    String computation,
    @Nullable String digest,
    VmState state,
    String hostIp,
    @Nullable HostPorts ports,
    long pid,
    @Nullable String accelerator,
    @Nullable String device,
    Instant created,
    @Nullable Instant deadline,
    @Nullable VmEnd end) {

  /** Where its agent answers gRPC: {@code localhost:7020}; null where it cannot. */
  public @Nullable String agentAddress() {
    return ports == null ? null : hostIp + ":" + ports.grpc();
  }

  /** As the HTTP API shows it. */
  public JsonObject toJson() {
    JsonObject.Builder json = JsonObject.builder();
    String address = agentAddress();
    json.put("id", digest == null ? JsonNull.NULL : new JsonString(digest))
        .put("computation_id", computation)
        .put("agent_address", address == null ? JsonNull.NULL : new JsonString(address))
        .put("ports", ports == null ? JsonNull.NULL : ports.toJson())
        .put("state", state.word());
    if (pid != 0) {
      json.put("pid", pid);
    }
    json.putIfPresent("accelerator", accelerator)
        .putIfPresent("device", device)
        .put("created", created.toString());
    json.putIfPresent("deadline", deadline == null ? null : deadline.toString());
    json.putIfPresent("ended", end == null ? null : Lease.endToJson(end));
    return json.build();
  }
}
