// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import dev.fairlead.transport.api.Message;
import java.util.List;

/**
 * Which addresses a credential opens, and nothing else.
 *
 * @param subject whom it is for: one segment of an address, a computation's id for example
 * @param sends patterns to which the holder may send
 * @param receives patterns which the holder may receive; the first must cover its replies
 */
public record Grant(String subject, List<String> sends, List<String> receives) {

  /**
   * Checks all patterns.
   *
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} when one is malformed
   */
  public Grant {
    Message.requireAddress("subject/" + subject);
    sends = List.copyOf(sends);
    receives = List.copyOf(receives);
    sends.forEach(Message::requirePattern);
    receives.forEach(Message::requirePattern);
  }
}
