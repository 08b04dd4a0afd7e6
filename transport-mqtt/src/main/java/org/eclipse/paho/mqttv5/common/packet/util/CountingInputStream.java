// SPDX-License-Identifier: Apache-2.0
package org.eclipse.paho.mqttv5.common.packet.util;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.NullMarked;

/**
 * Counts the bytes that are read through it. It stands in for Paho's class of this name, which can
 * only be read byte by byte: whoever receives through that spends a call and a lock on each byte of
 * each payload.
 */
@NullMarked
public class CountingInputStream extends InputStream {

  private final InputStream source;
  private int counter;

  /** Reads from a stream; the count begins at 0. */
  public CountingInputStream(InputStream source) {
    this.source = source;
  }

  @Override
  public int read() throws IOException {
    int value = source.read();
    if (value >= 0) {
      counter++;
    }
    return value;
  }

  @Override
  public int read(byte[] into, int from, int length) throws IOException {
    int count = source.read(into, from, length);
    if (count > 0) {
      counter += count;
    }
    return count;
  }

  /** Bytes read since the last reset. */
  public int getCounter() {
    return counter;
  }

  /** Begins to count anew. */
  public void resetCounter() {
    counter = 0;
  }
}
