// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a guest says, in two files of its run directory: {@value #NAME}, and what it said before in
 * {@value #OLD}. A guest may say anything without end; the host's disk has one. So the file is cut
 * when it has grown too large. Its writer, another process, must have opened it for appending. What
 * is said between the copying and the cutting is lost: a few lines of a flood.
 */
public final class ConsoleFile {

  /** What is written now. */
  public static final String NAME = "console.log";

  /** What was written before. */
  public static final String OLD = "console.log.1";

  /** How large the file may be until it is cut, in bytes. */
  public static final long LIMIT = 8 << 20;

  private final RunDirectory directory;
  private final String name;
  private final long limit;

  /** Makes one that is cut beyond {@link #LIMIT}. */
  public ConsoleFile(RunDirectory directory) {
    this(directory, NAME, LIMIT);
  }

  /** Makes one for what another program says, with a name of its own. */
  public ConsoleFile(RunDirectory directory, String name) {
    this(directory, name, LIMIT);
  }

  ConsoleFile(RunDirectory directory, long limit) {
    this(directory, NAME, limit);
  }

  private ConsoleFile(RunDirectory directory, String name, long limit) {
    this.directory = directory;
    this.name = name;
    this.limit = limit;
  }

  /**
   * Makes it anew, empty.
   *
   * @return where it lies
   */
  public Path create() throws IOException {
    directory.remove(old());
    return directory.create(name);
  }

  /** Whether the guest ever said anything. */
  public boolean hasSpoken() {
    try {
      return Files.size(directory.file(name)) > 0 || Files.exists(directory.file(old()));
    } catch (IOException e) {
      return false;
    }
  }

  /** Cuts it where it is too large; to be called every second or so. */
  public void trim() throws IOException {
    Path file = directory.file(name);
    if (Files.size(file) <= limit) {
      return;
    }
    try (FileChannel from =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel to = FileChannel.open(directory.create(old()), StandardOpenOption.WRITE)) {
      // The last part is enough, however fast the guest was.
      long size = from.size();
      long start = Math.max(0, size - limit);
      from.transferTo(start, size - start, to);
      from.truncate(0);
    }
  }

  private String old() {
    return name + ".1";
  }
}
