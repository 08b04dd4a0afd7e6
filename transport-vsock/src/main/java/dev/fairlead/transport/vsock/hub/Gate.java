// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.vsock.wire.Place;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Says whom the hub lets in. Safe for use by several threads; must not block for long. */
public interface Gate {

  /**
   * What a credential opens.
   *
   * @param key by which {@link #holds} knows it; no secret
   */
  record Pass(
      String key, String subject, List<Pattern> sends, List<Pattern> receives, Instant expiresAt) {}

  /**
   * Looks a credential up.
   *
   * @throws TransportException {@code REFUSED}: unknown, revoked, or expired
   */
  Pass open(String credential);

  /**
   * Whether a pass is still good.
   *
   * @return null when it is, else the refusal to tell
   */
  @Nullable TransportException holds(Pass pass);

  /** Which peers may come in, and as whom. */
  Map<Place, String> admitted();
}
