// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.AckLevel;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.protocol.Addresses;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How the service runs.
 *
 * @param fleet the first segment of every address
 * @param transport by whose name this service and its agents connect first
 * @param directory where registry and store lie; made where it is absent
 * @param lifetime of credentials, 1 s to 30 days
 * @param segmentBytes size at which the store begins another file
 * @param syncInterval the least time between two syncs of the store: what comes meanwhile is stored
 *     and acknowledged as one group
 * @param http where the API listens
 * @param forgetAt the level at which senders forget: {@code STORED} where the transport's peer
 *     stores events and lines until they are stored here
 */
public record Settings(
    String fleet,
    String transport,
    Path directory,
    Duration lifetime,
    long segmentBytes,
    Duration syncInterval,
    HttpSettings http,
    AckLevel forgetAt) {

  /** Those of a service whose senders forget what was delivered. */
  public Settings(
      String fleet,
      String transport,
      Path directory,
      Duration lifetime,
      long segmentBytes,
      Duration syncInterval,
      HttpSettings http) {
    this(
        fleet,
        transport,
        directory,
        lifetime,
        segmentBytes,
        syncInterval,
        http,
        AckLevel.DELIVERED);
  }

  /** Checks for null, and the fleet. */
  public Settings {
    requireNonNull(transport, "transport is null");
    requireNonNull(directory, "directory is null");
    requireNonNull(lifetime, "lifetime is null");
    requireNonNull(syncInterval, "syncInterval is null");
    requireNonNull(http, "http is null");
    if (forgetAt != AckLevel.DELIVERED && forgetAt != AckLevel.STORED) {
      throw new IllegalArgumentException(
          "Senders forget what is 'delivered', or what is 'stored'.");
    }
    if (!Addresses.isSegment(fleet)) {
      throw new IllegalArgumentException(
          "The fleet '%s' must be 1 to 64 of A-Z a-z 0-9 _ -.".formatted(fleet));
    }
  }
}
