// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * An agent's end of the way to the ledger, a UNIX socket: what was handed to it outlives the agent.
 * For use by one thread. All that goes over it, big-endian:
 *
 * <pre>
 * 1 begun      run 8, last number that the spool held 8, then computation, stream, epoch: each
 *              length 2 and ASCII
 * 2 intended   number of the first 8, sequence of the first 8, how many 4, for each its hash 8
 * 3 queued     all up to this number 8
 * 4 spooled    all up to this number 8
 * </pre>
 *
 * A line is intended before it is appended; so nothing is stored that the ledger does not know.
 */
final class Ledger implements AutoCloseable {

  static final byte BEGUN = 1;
  static final byte INTENDED = 2;
  static final byte QUEUED = 3;
  static final byte SPOOLED = 4;

  /** The most lines that are intended at a time. */
  static final int MOST = 1024;

  private final SocketChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 + 8 + 8 + 4 + MOST * 8);

  private Ledger(SocketChannel channel) {
    this.channel = channel;
  }

  static Ledger connect(Path socket) throws IOException {
    return new Ledger(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
  }

  void begun(long run, long recovered, String computation, String stream, String epoch)
      throws IOException {
    buffer.put(BEGUN).putLong(run).putLong(recovered);
    for (String text : new String[] {computation, stream, epoch}) {
      buffer.putShort((short) text.length()).put(text.getBytes(US_ASCII));
    }
    send();
  }

  void intended(long first, long sequence, long[] hashes, int count) throws IOException {
    buffer.put(INTENDED).putLong(first).putLong(sequence).putInt(count);
    for (int i = 0; i < count; i++) {
      buffer.putLong(hashes[i]);
    }
    send();
  }

  void reached(byte level, long upTo) throws IOException {
    buffer.put(level).putLong(upTo);
    send();
  }

  private void send() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
