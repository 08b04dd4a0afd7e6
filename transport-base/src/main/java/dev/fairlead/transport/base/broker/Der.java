// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** Writes the part of ASN.1's distinguished encoding that a certificate needs. */
final class Der {

  private static final DateTimeFormatter UTC_TIME =
      DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter GENERALIZED_TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final Instant FIRST_GENERALIZED = Instant.parse("2050-01-01T00:00:00Z");

  private Der() {}

  static byte[] sequence(byte[]... parts) {
    return value(0x30, join(parts));
  }

  static byte[] set(byte[]... parts) {
    return value(0x31, join(parts));
  }

  static byte[] integer(BigInteger number) {
    return value(0x02, number.toByteArray());
  }

  static byte[] bool(boolean truth) {
    return value(0x01, new byte[] {(byte) (truth ? 0xff : 0)});
  }

  static byte[] nothing() {
    return value(0x05, new byte[0]);
  }

  static byte[] octets(byte[] bytes) {
    return value(0x04, bytes);
  }

  /** A string of whole bytes, or of fewer bits where the last ones are not used. */
  static byte[] bits(int unused, byte[] bytes) {
    return value(0x03, join(new byte[] {(byte) unused}, bytes));
  }

  static byte[] utf8(String text) {
    return value(0x0c, text.getBytes(UTF_8));
  }

  static byte[] oid(String dotted) {
    String[] arcs = dotted.split("\\.", -1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(Integer.parseInt(arcs[0]) * 40 + Integer.parseInt(arcs[1]));
    for (int i = 2; i < arcs.length; i++) {
      int arc = Integer.parseInt(arcs[i]);
      for (int shift = 28; shift > 0; shift -= 7) {
        if (arc >> shift != 0) {
          bytes.write(((arc >> shift) & 0x7f) | 0x80);
        }
      }
      bytes.write(arc & 0x7f);
    }
    return value(0x06, bytes.toByteArray());
  }

  static byte[] time(Instant instant) {
    return instant.isBefore(FIRST_GENERALIZED)
        ? value(0x17, UTC_TIME.format(instant).getBytes(US_ASCII))
        : value(0x18, GENERALIZED_TIME.format(instant).getBytes(US_ASCII));
  }

  /** A context-specific tag around encoded values. */
  static byte[] explicit(int tag, byte[]... parts) {
    return value(0xa0 | tag, join(parts));
  }

  /** A context-specific tag in place of a primitive value's own. */
  static byte[] implicit(int tag, byte[] content) {
    return value(0x80 | tag, content);
  }

  private static byte[] value(int tag, byte[] content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(tag);
    int length = content.length;
    if (length < 0x80) {
      bytes.write(length);
    } else if (length < 0x100) {
      bytes.write(0x81);
      bytes.write(length);
    } else {
      bytes.write(0x82);
      bytes.write(length >> 8);
      bytes.write(length);
    }
    bytes.writeBytes(content);
    return bytes.toByteArray();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      bytes.writeBytes(part);
    }
    return bytes.toByteArray();
  }
}
