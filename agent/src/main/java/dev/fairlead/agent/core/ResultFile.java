// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.ResultReading;
import dev.fairlead.agent.run.ResultArchive;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;

/**
 * A packed result on its way out.
 *
 * @param onConsumed run by the reader's thread, each time it says that it has all
 */
record ResultFile(ResultArchive.Packed packed, Runnable onConsumed) implements ResultReading {

  @Override
  public long size() {
    return packed.size();
  }

  @Override
  public String sha3() {
    return packed.sha3();
  }

  @Override
  public InputStream stream() throws IOException {
    return Files.newInputStream(packed.file());
  }

  @Override
  public void consumed() {
    onConsumed.run();
  }

  @Override
  public void close() {
    // The file stays: it may be read again.
  }
}
