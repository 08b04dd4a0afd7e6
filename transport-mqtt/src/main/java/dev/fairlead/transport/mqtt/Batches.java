// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.api.Message;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which messages may go at QoS 0. Those are the batches of a stream: their receiver acknowledges
 * them itself, so that a lost one is sent again. Of a refusal, however, nobody would hear at QoS 0;
 * so the first batch to an address on a connection goes at QoS 1, and so do all until it was
 * accepted, and one in {@value #EVERY} ever after. All other messages go at QoS 1. Safe for use by
 * several threads.
 */
final class Batches {

  /** A header that only the batches of a stream bear: the number of their first record. */
  private static final String HEADER = "fl-first";

  static final int EVERY = 64;
  private static final int MAX_ADDRESSES = 1024;

  private final int qos;
  private final Map<String, Integer> permitted = new ConcurrentHashMap<>(); // address → since then

  /**
   * Makes one for one connection.
   *
   * @param qos 0 or 1: the least for a batch
   */
  Batches(int qos) {
    this.qos = qos;
  }

  /** The quality of service with which a message goes. */
  int qos(Message message) {
    if (qos > 0 || !message.headers().containsKey(HEADER)) {
      return 1;
    }
    Integer since = permitted.computeIfPresent(message.address(), (address, count) -> count + 1);
    return since == null || since % EVERY == 0 ? 1 : 0;
  }

  /** A message to an address was accepted. */
  void permitted(String address) {
    if (qos == 0 && permitted.size() < MAX_ADDRESSES) {
      permitted.putIfAbsent(address, 0);
    }
  }

  /** A message to an address was refused. */
  void refused(String address) {
    permitted.remove(address);
  }
}
