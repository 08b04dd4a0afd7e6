// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import dev.fairlead.transport.api.Message;

/**
 * What an end and the hub say to each other over one stream. All numbers are unsigned and big
 * endian, all text is printable ASCII.
 *
 * <p><b>Greeting.</b> Each side begins with eight bytes that no version will change:
 *
 * <pre>
 * 'F' 'L' 'V' 'S'   magic
 * 1 byte            the lowest version that it speaks
 * 1 byte            the highest version that it speaks
 * 2 bytes           0
 * </pre>
 *
 * The end speaks first. Both use the highest version that both speak; where there is none, the hub
 * answers with its own greeting, which says so, and closes.
 *
 * <p><b>Frames</b> follow, in both directions, one after another:
 *
 * <pre>
 * 4 bytes           length of the body
 * 1 byte            kind
 * …                 body
 * 4 bytes           CRC-32C of all that stands before it in this frame
 * </pre>
 *
 * A frame of an unknown kind, of the wrong direction, too long for its kind, or with a wrong
 * checksum ends the connection.
 *
 * <pre>
 * kind             from  body
 *  1 HELLO         end   4 credit; the credential: the rest
 *  2 WELCOME       hub   4 window
 *  3 GOODBYE       hub   1 category (0 retry, 1 refused); 1 length, code; a sentence: the rest
 *  4 SEND          end   a message
 *  5 ACK           hub   8 how many SENDs of this connection the hub has dealt with
 *  6 DENIED        hub   8 the number of the SEND that was not permitted; the first is 1
 *  7 SUBSCRIBE     end   4 a number of the end's choice; pattern: the rest
 *  8 UNSUBSCRIBE   end   4 that number
 *  9 UNHEARD       hub   4 the number of a SUBSCRIBE that was not permitted
 * 10 MESSAGE       hub   2 count; 4 each: the numbers of the subscriptions that it is for; a message
 * 11 CREDIT        end   4 bytes
 * 12 PING          end   nothing
 * 13 PONG          hub   nothing
 * 14 WILL          end   a message: its last will, in place of any before; nothing: it has none
 * </pre>
 *
 * A message is
 *
 * <pre>
 * 2 length, address
 * 2 length, reply address; length 0 where there is none
 * 1 count of headers; for each 1 length, name, 2 length, value
 * …                 the payload: the rest
 * </pre>
 *
 * <p><b>Flow.</b> An end sends no SEND while that would take the bodies that it has sent and that
 * no ACK covers beyond the window. The hub sends no MESSAGE whose body would take those sent since
 * the beginning beyond the credit, to which each CREDIT adds. All else is sent at any time, so a
 * slow reader never holds up what shows that its end is alive.
 *
 * <p><b>Last will.</b> When a connection ends, the hub passes on the WILL that stands, in its end's
 * name. So an end that closes takes it back first. A WILL is passed on before anything that the
 * same end (the same place and subject) sends over a later connection, or not at all. So that it
 * can be, the hub ends what has shown no life for two seconds before it welcomes the same end anew.
 *
 * <p><b>Life.</b> An end sends PING every second, and the hub answers each. Whoever hears nothing
 * for {@link #SILENCE_MILLIS} takes the other for dead and closes.
 */
public final class Wire {

  /**
   * The version that this side speaks, and no other. 1 had no WILL: such an end would not be
   * missed, and such a hub would take a WILL for nonsense.
   */
  public static final int VERSION = 2;

  /** The letters FLVS. */
  static final int MAGIC = 0x464c5653;

  /** How long a greeting is, in bytes. */
  public static final int GREETING = 8;

  /** Length and kind, before the body. */
  public static final int HEAD = 5;

  /** The checksum, after the body. */
  public static final int TAIL = 4;

  public static final int HELLO = 1;
  public static final int WELCOME = 2;
  public static final int GOODBYE = 3;
  public static final int SEND = 4;
  public static final int ACK = 5;
  public static final int DENIED = 6;
  public static final int SUBSCRIBE = 7;
  public static final int UNSUBSCRIBE = 8;
  public static final int UNHEARD = 9;
  public static final int MESSAGE = 10;
  public static final int CREDIT = 11;
  public static final int PING = 12;
  public static final int PONG = 13;
  public static final int WILL = 14;

  /** The most subscriptions that one connection may have. */
  public static final int MAX_SUBSCRIPTIONS = 1024;

  /** The longest credential, in bytes. */
  public static final int MAX_CREDENTIAL = 2048;

  /** The longest body of a message: its payload, and 16 KiB for all else. */
  public static final int MAX_MESSAGE = Message.MAX_PAYLOAD + (16 << 10);

  /** Silence after which the other side is taken for dead, in milliseconds. */
  public static final long SILENCE_MILLIS = 3_500;

  /** How long an end waits for its welcome, in milliseconds. */
  public static final long WELCOME_MILLIS = 4_000;

  /** How often an end asks for a sign of life, in milliseconds. */
  public static final long PING_MILLIS = 1_000;

  private static final int SMALL = 1024;
  private static final int MAX_WILL = 8 * SMALL;

  private Wire() {}

  /** Which frames a side takes at a time, and how long each may be. */
  public enum Side {
    /** The hub, of an end that has not said HELLO. */
    DOOR,
    /** The hub, of an end that was let in. */
    HUB,
    /** An end. */
    END;

    /** The longest body of a kind, -1 where that kind is not taken. */
    public int limit(int kind) {
      return switch (this) {
        case DOOR -> kind == HELLO ? 4 + MAX_CREDENTIAL : -1;
        case HUB ->
            switch (kind) {
              case SEND -> MAX_MESSAGE;
              case WILL -> MAX_WILL;
              case SUBSCRIBE -> SMALL;
              case UNSUBSCRIBE, CREDIT -> 4;
              case PING -> 0;
              default -> -1;
            };
        case END ->
            switch (kind) {
              case MESSAGE -> MAX_MESSAGE;
              case GOODBYE -> SMALL;
              case ACK, DENIED -> 8;
              case WELCOME, UNHEARD -> 4;
              case PONG -> 0;
              default -> -1;
            };
      };
    }
  }
}
