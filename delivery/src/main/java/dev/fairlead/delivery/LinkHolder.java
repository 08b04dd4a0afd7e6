// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.TransportProvider;
import java.util.concurrent.CompletionStage;

/**
 * Whoever has transports open. Asked before a provider goes whose place another of the same name
 * takes, so that there is always one link that carries. An OSGi service; safe for use by several
 * threads.
 */
public interface LinkHolder {

  /**
   * Opens every transport that {@code old} opened anew through {@code next}, with the same
   * settings, and lets the old one drain. Never blocks.
   *
   * @param next a provider of the same name
   * @return completes when nothing that {@code old} opened is open any more, and so at once where
   *     nothing was; fails where a transport of {@code next} did not take over: the one of {@code
   *     old} stays
   */
  CompletionStage<Void> reopen(TransportProvider old, TransportProvider next);
}
