// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;

/**
 * Writes JSON text in UTF-8 into one growing array: what every log record passes through, so it
 * makes no object but that array. Not safe for use by several threads.
 *
 * <p>The caller puts the commas and colons of what it writes by hand, by {@link #raw}.
 */
public final class JsonWriter {

  private static final byte[] HEX = "0123456789abcdef".getBytes(ISO_8859_1);

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;

  /** From so many characters on it pays to look at them eight at a time. */
  private static final int LONG = 16;

  private byte[] buffer;
  private int length;
  private boolean escapeHtml;

  /**
   * Makes one.
   *
   * @param size bytes to begin with; it grows as needed
   */
  public JsonWriter(int size) {
    buffer = new byte[Math.max(16, size)];
  }

  /**
   * Makes it escape as Go's encoder does: {@code <}, {@code >}, {@code &}, U+2028 and U+2029 too,
   * and lone surrogates as U+FFFD.
   */
  public JsonWriter escapeHtml() {
    escapeHtml = true;
    return this;
  }

  /** Forgets what was written, and keeps the array. */
  public JsonWriter clear() {
    length = 0;
    return this;
  }

  /** How many bytes have been written. */
  public int length() {
    return length;
  }

  /** Writes ASCII text as it is. */
  public JsonWriter raw(String ascii) {
    int n = ascii.length();
    reserve(n);
    for (int i = 0; i < n; i++) {
      buffer[length++] = (byte) ascii.charAt(i);
    }
    return this;
  }

  /** Writes one ASCII character as it is. */
  public JsonWriter raw(char ascii) {
    reserve(1);
    buffer[length++] = (byte) ascii;
    return this;
  }

  /** Writes a string with its quotes. */
  public JsonWriter string(String text) {
    int n = text.length();
    if (n >= LONG && !escapeHtml) {
      byte[] bytes = text.getBytes(UTF_8);
      if (bytes.length == n && isPlain(bytes)) {
        reserve(n + 2);
        buffer[length++] = '"';
        System.arraycopy(bytes, 0, buffer, length, n);
        length += n;
        buffer[length++] = '"';
        return this;
      }
    }
    reserve(n + 2);
    buffer[length++] = '"';
    for (int i = 0; i < n; i++) {
      char c = text.charAt(i);
      if (c >= ' ' && c < 0x7f && c != '"' && c != '\\' && !(escapeHtml && isHtml(c))) {
        // room for the rest, one byte each, was reserved
        buffer[length++] = (byte) c;
      } else {
        i += special(text, i, c);
        reserve(n - i + 1);
      }
    }
    buffer[length++] = '"';
    return this;
  }

  /** Writes a whole number. */
  public JsonWriter number(long value) {
    return raw(Long.toString(value));
  }

  /** Writes a whole number from 0 to 999 999 999 with leading zeros. */
  public JsonWriter digits(int value, int digits) {
    reserve(digits);
    int rest = value;
    for (int i = length + digits - 1; i >= length; i--) {
      buffer[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    length += digits;
    return this;
  }

  /** Writes any value, without white space, names in the order they stand. */
  public JsonWriter value(JsonValue value) {
    if (value instanceof JsonObject object) {
      char before = '{';
      for (Map.Entry<String, JsonValue> field : object.fields().entrySet()) {
        raw(before).string(field.getKey()).raw(':').value(field.getValue());
        before = ',';
      }
      return object.fields().isEmpty() ? raw("{}") : raw('}');
    }
    if (value instanceof JsonArray array) {
      char before = '[';
      for (JsonValue item : array) {
        raw(before).value(item);
        before = ',';
      }
      return array.isEmpty() ? raw("[]") : raw(']');
    }
    if (value instanceof JsonString string) {
      return string(string.value());
    }
    return raw(value.toString());
  }

  /** A copy of what was written. */
  public byte[] toBytes() {
    return Arrays.copyOf(buffer, length);
  }

  /** Writes one character that is not plain; returns how many further ones it took. */
  private int special(String text, int at, char c) {
    reserve(6);
    switch (c) {
      case '"' -> raw("\\\"");
      case '\\' -> raw("\\\\");
      case '\n' -> raw("\\n");
      case '\r' -> raw("\\r");
      case '\t' -> raw("\\t");
      default -> {
        if (c < ' ' || (escapeHtml && (isHtml(c) || c == 0x2028 || c == 0x2029))) {
          unicode(c);
        } else if (Character.isHighSurrogate(c)
            && at + 1 < text.length()
            && Character.isLowSurrogate(text.charAt(at + 1))) {
          utf8(Character.toCodePoint(c, text.charAt(at + 1)));
          return 1;
        } else if (Character.isSurrogate(c)) {
          // alone it has no form in UTF-8, but its escape survives
          unicode(escapeHtml ? '\ufffd' : c);
        } else {
          utf8(c);
        }
      }
    }
    return 0;
  }

  private void unicode(char c) {
    if (c == '\ufffd') {
      utf8(c);
      return;
    }
    raw("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      buffer[length++] = HEX[(c >> shift) & 15];
    }
  }

  private void utf8(int c) {
    if (c < 0x80) {
      buffer[length++] = (byte) c;
    } else if (c < 0x800) {
      buffer[length++] = (byte) (0xc0 | (c >> 6));
      buffer[length++] = (byte) (0x80 | (c & 63));
    } else if (c < 0x10000) {
      buffer[length++] = (byte) (0xe0 | (c >> 12));
      buffer[length++] = (byte) (0x80 | ((c >> 6) & 63));
      buffer[length++] = (byte) (0x80 | (c & 63));
    } else {
      buffer[length++] = (byte) (0xf0 | (c >> 18));
      buffer[length++] = (byte) (0x80 | ((c >> 12) & 63));
      buffer[length++] = (byte) (0x80 | ((c >> 6) & 63));
      buffer[length++] = (byte) (0x80 | (c & 63));
    }
  }

  /**
   * Whether all is ASCII that stands for itself, eight bytes at a time. A question mark may be what
   * the encoder puts for half a surrogate pair, and is looked at closely, too.
   */
  private static boolean isPlain(byte[] bytes) {
    int i = 0;
    for (; i <= bytes.length - 8; i += 8) {
      long x = (long) LONGS.get(bytes, i);
      // The highest bit of a byte of each term: beyond ASCII, a control character, the byte itself.
      long odd =
          x
              | (x - ONES * ' ')
              | zero(x ^ ONES * '"')
              | zero(x ^ ONES * '\\')
              | zero(x ^ ONES * '?')
              | zero(x ^ ONES * 0x7f);
      if ((odd & HIGHS) != 0) {
        return false;
      }
    }
    for (; i < bytes.length; i++) {
      byte b = bytes[i];
      if (b < ' ' || b == '"' || b == '\\' || b == '?' || b == 0x7f) {
        return false;
      }
    }
    return true;
  }

  /** Not zero at the highest bits where a byte is zero, and perhaps elsewhere then, too. */
  private static long zero(long x) {
    return (x - ONES) & ~x;
  }

  private static boolean isHtml(char c) {
    return c == '<' || c == '>' || c == '&';
  }

  private void reserve(int more) {
    if (buffer.length - length < more) {
      buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, length + more));
    }
  }
}
