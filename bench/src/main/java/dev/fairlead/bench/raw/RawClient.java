// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import java.io.IOException;
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
     * @throws IOException when the library does not take it
     */
    void send(byte[] record) throws IOException, InterruptedException;

    /**
     * Waits until all was handed over, and ends.
     *
     * @throws IOException when not all was
     */
    void finish() throws IOException, InterruptedException;
  }

  /** Receives records. */
  interface Receiver {

    /**
     * Ends it.
     *
     * @throws IOException as the library says
     */
    void end() throws IOException, InterruptedException;
  }

  /**
   * Connects to send.
   *
   * @throws IOException as the library says
   */
  Sender sender(Endpoint to) throws IOException, InterruptedException;

  /**
   * Begins to receive; returns when nothing that is sent from now on is missed.
   *
   * @param each called for one record at a time
   * @throws IOException as the library says
   */
  Receiver receive(Endpoint to, Consumer<byte[]> each) throws IOException, InterruptedException;
}
