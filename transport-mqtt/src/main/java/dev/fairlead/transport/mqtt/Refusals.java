// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.Refusal;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.jspecify.annotations.Nullable;

/** What MQTT's reason codes mean. */
final class Refusals {

  /** From here on a reason code says no. */
  static final int FIRST_ERROR = 0x80;

  private static final int NOT_AUTHORIZED = 0x87;
  private static final int TOPIC_INVALID = 0x90;
  private static final int PACKET_TOO_LARGE = 0x95;
  private static final int ADMINISTRATIVE_ACTION = 0x98;

  private Refusals() {}

  /**
   * The reason code of an answer; 0 where it bears none. Paho tells a refusal as a success, and
   * only the code says otherwise.
   */
  static int code(IMqttToken token) {
    int[] codes = token.getReasonCodes();
    return codes == null || codes.length == 0 ? 0 : codes[0];
  }

  /** What a message fails with that the broker did not take. */
  static TransportException ofSend(int code, String address) {
    return switch (code) {
      case NOT_AUTHORIZED, TOPIC_INVALID ->
          Refusal.ofAddress(
                  "send-not-permitted",
                  "The broker refused a message to '%s': the credential does not cover this address.",
                  address)
              .cause();
      case PACKET_TOO_LARGE -> tooLarge();
      default ->
          new TransportException(
              RETRY,
              "broker-refused",
              "The broker did not take a message to '%s' (reason code %d): try again."
                  .formatted(Refusal.clip(address), code));
    };
  }

  /** What a message fails with that is beyond what the broker says it takes. */
  static TransportException tooLarge() {
    return new TransportException(
        REFUSED, "payload-too-large", "The broker takes no message as large as this: split it.");
  }

  /** What it means that the broker does not grant a subscription. */
  static Refusal ofSubscription(int code, String pattern) {
    return code == NOT_AUTHORIZED
        ? Refusal.ofAddress(
            "subscribe-not-permitted",
            "The broker refused the subscription to '%s': the credential does not cover it.",
            pattern)
        : Refusal.ofAddress(
            "subscribe-refused",
            "The broker refused the subscription to '%s' (reason code " + code + ").",
            pattern);
  }

  /** What it means that the broker turned a connection down, null where it merely cannot now. */
  static @Nullable Refusal ofConnect(int code) {
    return switch (code) {
      case 0x86, NOT_AUTHORIZED, 0x8c ->
          Refusal.ofConnection(
              "credential-refused",
              "The broker refused the credential: it is missing, wrong, expired or revoked.");
      case 0x8a -> Refusal.ofConnection("banned", "The broker has banned this peer.");
      case 0x84 ->
          Refusal.ofConnection(
              "broker-unsuitable", "The broker does not speak MQTT 5: use one that does.");
      case 0x90 ->
          Refusal.ofConnection(
              "will-not-permitted",
              "The broker refused the last will: the credential does not cover its address.");
      default -> null;
    };
  }

  /** What it means that the broker ended a connection, null where it is no refusal. */
  static @Nullable Refusal ofDisconnect(int code) {
    return switch (code) {
      case ADMINISTRATIVE_ACTION, NOT_AUTHORIZED ->
          Refusal.ofConnection(
              "credential-revoked",
              "The broker ended the connection: the credential was revoked or has expired.");
      case 0x8e ->
          Refusal.ofConnection("taken-over", "Another peer has connected under the same name.");
      case PACKET_TOO_LARGE ->
          Refusal.ofConnection(
              "payload-too-large", "The broker takes no message as large as one that was sent.");
      default -> null;
    };
  }
}
