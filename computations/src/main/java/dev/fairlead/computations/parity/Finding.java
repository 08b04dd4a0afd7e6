// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.JsonObject;
import java.util.Locale;

/**
 * One record that did not come over both transports alike.
 *
 * @param kind what is wrong with it
 * @param stream where it belongs
 * @param number of the record
 * @param transport over which it is missing, late, or came twice; for an altered one, over which
 *     the copy came
 */
public record Finding(Kind kind, StreamKey stream, long number, String transport) {

  /** What may be wrong with a record. */
  public enum Kind {
    /** It came over one transport and not over the other, although there was time for it. */
    MISSING(true),
    /** Its bytes differ. */
    ALTERED(true),
    /** One sending of it came twice over the same transport. */
    DUPLICATE(true),
    /** It came over the other transport after all, when it had been taken for missing. */
    LATE(false);

    private final boolean defect;

    Kind(boolean defect) {
      this.defect = defect;
    }

    /** Whether a transport with such a finding cannot be trusted. */
    public boolean isDefect() {
      return defect;
    }

    /** The word in documents. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks for null. */
  public Finding {
    requireNonNull(kind, "kind is null");
    requireNonNull(stream, "stream is null");
    requireNonNull(transport, "transport is null");
  }

  /** Its JSON. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("kind", kind.word())
        .put("computation", stream.computation())
        .put("stream", stream.stream())
        .put("number", number)
        .put("transport", transport)
        .put("epoch", stream.epoch())
        .build();
  }
}
