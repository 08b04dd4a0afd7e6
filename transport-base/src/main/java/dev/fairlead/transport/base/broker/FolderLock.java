// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Holds a folder, in one role, for one owner alone, until it is closed or the process ends. */
public final class FolderLock implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.base");

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Makes the folder where it is missing, for its owner only, and takes it.
   *
   * @param role one word for what its owner is, such as {@code issuer}: a folder has one of each
   * @throws TransportException {@code RETRY}, code {@code folder-in-use}
   */
  public static FolderLock take(Path folder, String role) throws IOException {
    PrivateFiles.folder(folder);
    FileChannel channel =
        FileChannel.open(
            folder.resolve(role + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (tryLock(channel) == null) {
      channel.close();
      throw new TransportException(
          RETRY,
          "folder-in-use",
          "Another %s uses '%s': end it, or choose another folder.".formatted(role, folder));
    }
    return new FolderLock(channel);
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, "The folder is in use in this very process.", e);
      return null;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "The lock of the folder was gone.", e);
    }
  }
}
