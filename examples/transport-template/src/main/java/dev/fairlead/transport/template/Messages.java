// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.template.Wire.Frame;
import java.util.HashMap;
import java.util.Map;

/** A message's text is its lines: address, reply address or nothing, then headers as name=value. */
final class Messages {

  private Messages() {}

  static Frame encode(int number, Message message) {
    String reply = message.replyTo() == null ? "" : message.replyTo();
    StringBuilder text = new StringBuilder(message.address()).append('\n').append(reply);
    message.headers().forEach((name, value) -> text.append('\n' + name + '=' + value));
    return new Frame('M', number, text.toString(), message.payload());
  }

  /** What does not fit the limits is refused by the message itself. */
  static Message decode(Frame frame) {
    String[] lines = frame.text().split("\n", -1);
    Map<String, String> headers = new HashMap<>();
    for (int i = 2; i < lines.length; i++) {
      String[] header = lines[i].split("=", 2);
      headers.put(header[0], header[1]);
    }
    return new Message(lines[0], headers, frame.payload(), lines[1].isEmpty() ? null : lines[1]);
  }
}
