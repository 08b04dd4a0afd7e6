// SPDX-License-Identifier: Apache-2.0
package io.nats.client.support;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.nats.client.impl.Headers;

/**
 * Reads the headers of a message. Takes the place of jnats' class of this name, whose constructor
 * throws at the first flaw: that exception ends the reader thread, and with it all reading of the
 * connection, so that anybody who may send one message could make its receivers deaf. Here whatever
 * is flawed is left out, and the message arrives without it.
 */
public class IncomingHeadersProcessor {

  private static final int MAX_HEADERS = 128;
  private static final String VERSION = "NATS/1.0";

  private final int serializedLength;
  private Headers headers;
  private Status status;

  /**
   * Reads what can be read.
   *
   * @param serialized from the version line to the empty line at the end
   */
  public IncomingHeadersProcessor(byte[] serialized) {
    serializedLength = serialized == null ? 0 : serialized.length;
    if (serialized == null) {
      return;
    }
    int end = lineEnd(serialized, 0);
    String first = new String(serialized, 0, end, US_ASCII);
    if (!first.startsWith(VERSION)) {
      return;
    }
    status = status(first.substring(VERSION.length()).trim());
    int lines = 0;
    for (int from = end + 2; from < serialized.length && lines < MAX_HEADERS; lines++) {
      end = lineEnd(serialized, from);
      addLine(new String(serialized, from, end - from, US_ASCII));
      from = end + 2;
    }
  }

  /** How many bytes there were. */
  public int getSerializedLength() {
    return serializedLength;
  }

  /** The headers, null where there are none. */
  public Headers getHeaders() {
    return headers;
  }

  /** The status on the version line, null where there is none. */
  public Status getStatus() {
    return status;
  }

  private void addLine(String line) {
    int colon = line.indexOf(':');
    if (colon <= 0) {
      return;
    }
    Headers into = headers == null ? new Headers() : headers;
    try {
      into.add(line.substring(0, colon), line.substring(colon + 1).trim());
      headers = into;
    } catch (IllegalArgumentException e) {
      return; // a name or value that no header may have
    }
  }

  private static Status status(String text) {
    int space = text.indexOf(' ');
    String code = space < 0 ? text : text.substring(0, space);
    if (code.isEmpty() || code.length() > 4) {
      return null;
    }
    try {
      return new Status(
          Integer.parseInt(code), space < 0 ? null : text.substring(space + 1).trim());
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static int lineEnd(byte[] bytes, int from) {
    for (int i = from; i + 1 < bytes.length; i++) {
      if (bytes[i] == '\r' && bytes[i + 1] == '\n') {
        return i;
      }
    }
    return bytes.length;
  }
}
