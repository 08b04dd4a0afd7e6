// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds whom a manager's events are about: they lie in the manager's own stream, and belong to the
 * events of each computation that they name, too.
 */
final class CrossReferences {

  private CrossReferences() {}

  /** The lines of an entry that belong to other streams, by the address of these. */
  static Map<String, List<byte[]>> of(Entry entry) {
    if (entry.kind() != Entry.Kind.BATCH) {
      return Map.of();
    }
    Optional<Addresses> from = Addresses.parse(entry.address()).filter(Addresses::isHost);
    if (from.isEmpty() || !entry.address().equals(from.get().stream(Addresses.EVENTS))) {
      return Map.of();
    }
    String fleet = from.get().fleet();
    Map<String, List<byte[]>> found = new LinkedHashMap<>();
    for (byte[] record : entry.records()) {
      named(record)
          .map(id -> Addresses.ofComputation(fleet, id).stream(Addresses.EVENTS))
          .ifPresent(
              address -> found.computeIfAbsent(address, absent -> new ArrayList<>()).add(record));
    }
    return found;
  }

  /** The computation that an event names; empty when it names none that there can be. */
  private static Optional<String> named(byte[] record) {
    try {
      return Json.parseObject(record, Event.MAX_BYTES)
          .optionalString("computation_id")
          .filter(Addresses::isId);
    } catch (ProtocolException e) {
      return Optional.empty();
    }
  }
}
