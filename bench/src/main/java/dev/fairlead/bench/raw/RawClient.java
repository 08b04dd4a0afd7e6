// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import java.net.URI;
import java.util.function.Consumer;

/**
 * A client library as one uses it without Fairlead: one message for each record, and nothing of our
 * own around it. What all raw clients have in common is done by who uses them: how many records may
 * be under way, what is sent, and how it is counted.
 */
public interface RawClient {

  /** Sends records. For use by one thread. */
  interface Sender {

    /**
     * Sends one record; may block for as long as the library does.
     *
     * @throws Exception as the library says
     */
    void send(byte[] record) throws Exception;

    /**
     * Waits until all was handed over, and ends.
     *
     * @throws Exception as the library says, also when not all was
     */
    void finish() throws Exception;
  }

  /**
   * Connects to send.
   *
   * @throws Exception as the library says
   */
  Sender sender(URI endpoint) throws Exception;

  /**
   * Begins to receive; returns when nothing that is sent from now on is missed.
   *
   * @param each called for one record at a time
   * @return closes to end it
   * @throws Exception as the library says
   */
  AutoCloseable receive(URI endpoint, Consumer<byte[]> each) throws Exception;
}
