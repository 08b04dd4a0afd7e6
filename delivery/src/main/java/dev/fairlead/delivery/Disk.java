// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * One folder of files, as little of it as delivery needs: so that a test can put one in its place
 * that is full, or forgets what was not synced.
 */
public interface Disk {

  /** An open file. */
  interface File extends AutoCloseable {

    /** Appends all bytes between position and limit; what was written before a failure may stay. */
    void append(ByteBuffer bytes) throws IOException;

    /** Reads into the buffer from an offset; -1 at the end. Safe beside any other call. */
    int read(ByteBuffer into, long offset) throws IOException;

    /**
     * Brings to the disk what was written before the call. Safe beside any other call; may fail
     * once the file is closed.
     */
    void sync() throws IOException;

    /** Cuts the file off, and appends there from now on. */
    void truncate(long size) throws IOException;

    /** How many bytes it has. */
    long size() throws IOException;

    @Override
    void close() throws IOException;
  }

  /** The names of the files. */
  List<String> list() throws IOException;

  /** Opens a file, made where there is none; appends at its end. */
  File open(String name) throws IOException;

  /** Opens a file that is there, for reading alone. */
  File read(String name) throws IOException;

  /** Removes a file. */
  void delete(String name) throws IOException;

  /** Brings the coming and going of files to the disk. */
  void sync() throws IOException;

  /**
   * Lets nobody else in.
   *
   * @param holder who asks, in words for a person; whoever is refused is told this name
   * @return closes to let go
   * @throws DeliveryException {@code REFUSED}, code {@code held}, when somebody else is in
   */
  AutoCloseable lock(String holder) throws IOException;

  /** A folder of the machine, made where there is none. */
  static Disk of(Path folder) {
    return new FolderDisk(folder);
  }
}
