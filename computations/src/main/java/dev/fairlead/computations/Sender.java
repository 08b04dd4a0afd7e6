// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import dev.fairlead.transport.api.Message;
import java.util.concurrent.CompletionStage;

/** Where messages leave: this service's own link, whatever transport it is on. */
@FunctionalInterface
public interface Sender {

  /**
   * Hands a message over. Never blocks.
   *
   * @return as {@link dev.fairlead.transport.api.Transport#send} returns it
   */
  CompletionStage<Void> send(Message message);
}
