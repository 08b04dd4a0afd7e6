// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * Direct buffers for sockets, used again: their memory comes back only when the collector runs,
 * which connections that come and go would not wait for.
 */
public final class Buffers {

  /** The size of each, in bytes. */
  public static final int SIZE = 128 << 10;

  private static final ArrayBlockingQueue<ByteBuffer> FREE = new ArrayBlockingQueue<>(64);

  private Buffers() {}

  /** An empty buffer. */
  public static ByteBuffer take() {
    ByteBuffer buffer = FREE.poll();
    return buffer == null ? ByteBuffer.allocateDirect(SIZE) : buffer.clear();
  }

  /** Takes a buffer back, which its user has no more use for. */
  public static void give(ByteBuffer buffer) {
    if (!FREE.offer(buffer)) {
      // Enough are free.
      buffer.clear();
    }
  }
}
