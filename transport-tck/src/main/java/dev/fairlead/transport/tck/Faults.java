// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

/**
 * What can go wrong between a transport and its peer (a broker or a hub), on demand. Each method
 * returns when the fault is in force, or mended; to repeat a call changes nothing.
 */
public interface Faults {

  /** Ends the peer at once, without a goodbye. */
  void kill();

  /** Starts a killed peer again, at the same endpoint, with its memory of credentials. */
  void restart();

  /** Makes the peer say nothing more, and keep its connections open. */
  void stall();

  /** Lets a stalled peer go on where it stood. */
  void resume();

  /** Cuts the link of one subject: its connections break, and no new one comes about. */
  void partition(String subject);

  /** Mends the link of a subject. */
  void heal(String subject);

  /** Mends everything: after this the peer answers to all. */
  void mend();
}
