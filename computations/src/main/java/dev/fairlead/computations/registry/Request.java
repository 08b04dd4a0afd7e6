// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static java.util.Objects.requireNonNull;

/**
 * Who asks, and under which number: the same request, asked again, changes nothing more.
 *
 * @param host the manager, as its address names it: {@code _host-1}
 * @param id of the request, chosen by the manager, 1 to 64 characters
 */
public record Request(String host, String id) {

  /** Checks for null and length. */
  public Request {
    requireNonNull(host, "host is null");
    requireNonNull(id, "id is null");
    if (id.isEmpty() || id.length() > 64) {
      throw new IllegalArgumentException("A request's id has 1 to 64 characters.");
    }
  }
}
