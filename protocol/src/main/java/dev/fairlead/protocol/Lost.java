// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;

/**
 * An agent's last will: said in its name, by the transport's peer, as soon as its connection is
 * lost. It is composed before the connection is made, so it holds no time.
 *
 * @param computationId who it was
 * @param epoch of its streams
 */
public record Lost(String computationId, String epoch) {

  /** The most bytes that it may have on the wire. */
  public static final int MAX_BYTES = 1024;

  /** Checks limits. */
  public Lost {
    Addresses.requireId(computationId);
    Limits.requireEpoch(epoch);
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  public static Lost parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    return new Lost(json.string("computation_id"), json.string("epoch"));
  }

  /** Its JSON in UTF-8. */
  public byte[] toJson() {
    JsonWriter json = new JsonWriter(128).raw("{\"computation_id\":").string(computationId);
    return json.raw(",\"epoch\":").string(epoch).raw('}').toBytes();
  }
}
