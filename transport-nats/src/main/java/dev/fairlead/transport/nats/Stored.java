// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

/**
 * How the two sides of this module name what JetStream holds. Each stored address has a stream of
 * its own, named after its subject with {@code ~} for the dots, and in it a durable consumer that
 * gives the messages to a subject of the reader's: {@link #DELIVERED} before their own.
 */
public final class Stored {

  /** The durable consumer of each stream. */
  public static final String CONSUMER = "stored";

  /** Before the subjects of what is given to the reader. No address begins so. */
  private static final String DELIVERED = "~stored.";

  /** Where the reader says what became of a message. */
  public static final String ACKS = "$JS.ACK.";

  private static final String DOT = "~";
  private static final String ANY = "~";

  private Stored() {}

  /** Where the reader is given what is stored of a pattern. */
  public static String delivered(String pattern) {
    return DELIVERED + Subjects.of(pattern).replace("*", ANY);
  }

  /** The stream of an address's subject. */
  public static String stream(String subject) {
    return subject.replace(".", DOT);
  }

  /** The subject of a stream; of one that is not ours, anything. */
  public static String subject(String stream) {
    return stream.replace(DOT, ".");
  }
}
