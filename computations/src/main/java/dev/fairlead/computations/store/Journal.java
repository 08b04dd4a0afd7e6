// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Entries on disk, in the order in which they were appended, each whole or not there at all. One
 * thread writes; any may read what was synced.
 */
interface Journal extends AutoCloseable {

  /** Told of each entry that is on disk when a journal is opened, in order. */
  interface Visitor {
    /**
     * An entry, and where {@link Journal#read} finds it again.
     *
     * @param bytes valid during the call only
     */
    void entry(long position, ByteBuffer bytes);
  }

  /**
   * Adds an entry at the end; it counts only once it is synced.
   *
   * @return where it lies
   * @throws IOException when there is no room; nothing of it is left behind
   */
  long append(ByteBuffer bytes) throws IOException;

  /**
   * Brings all that was appended to the disk.
   *
   * @throws IOException when that failed: what was appended since the last success does not count
   */
  void sync() throws IOException;

  /** Forgets what was appended since the last successful sync. */
  void forget() throws IOException;

  /** Reads a synced entry. */
  ByteBuffer read(long position) throws IOException;

  /** Bytes on disk. */
  long size();

  /** Entries that were skipped at opening since they were damaged. */
  long skipped();

  @Override
  void close() throws IOException;
}
