// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import dev.fairlead.protocol.json.JsonObject;

/**
 * A window that was judged.
 *
 * @param stream whose numbers they are
 * @param first number of the window
 * @param last number of the window
 * @param original what came first
 * @param copy what came beside it
 */
record WindowReport(StreamKey stream, long first, long last, Way original, Way copy) {

  /**
   * One way's part.
   *
   * @param transport over which it came
   * @param records of this window that came
   * @param hash over them, in the order of their numbers
   */
  record Way(String transport, int records, String hash) {

    JsonObject toJson() {
      return JsonObject.builder()
          .put("transport", transport)
          .put("records", records)
          .put("hash", hash)
          .build();
    }
  }

  boolean isEqual() {
    return original.hash().equals(copy.hash());
  }

  JsonObject toJson() {
    return JsonObject.builder()
        .put("computation", stream.computation())
        .put("stream", stream.stream())
        .put("epoch", stream.epoch())
        .put("first", first)
        .put("last", last)
        .put("equal", isEqual())
        .put("original", original.toJson())
        .put("copy", copy.toJson())
        .build();
  }
}
