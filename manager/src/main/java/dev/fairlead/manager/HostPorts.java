// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.protocol.json.JsonObject;
import java.util.List;

/**
 * The ports of this host that lead to a VM.
 *
 * @param ssh to the guest's 22
 * @param http to the agent's HTTP
 * @param grpc to the agent's gRPC
 */
public record HostPorts(int ssh, int http, int grpc) {

  /** All of them. */
  List<Integer> all() {
    return List.of(ssh, http, grpc);
  }

  JsonObject toJson() {
    return JsonObject.builder().put("ssh", ssh).put("http", http).put("grpc", grpc).build();
  }

  static HostPorts parse(JsonObject json) {
    return new HostPorts(
        (int) json.integer("ssh", 1, 65_535),
        (int) json.integer("http", 1, 65_535),
        (int) json.integer("grpc", 1, 65_535));
  }
}
