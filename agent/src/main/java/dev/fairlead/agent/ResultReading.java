// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import java.io.IOException;
import java.io.InputStream;
import org.osgi.annotation.versioning.ProviderType;

/** The result on its way out: a zip file. For one thread at a time. */
@ProviderType
public interface ResultReading extends AutoCloseable {

  /** Its length in bytes. */
  long size();

  /** Its SHA3-256 in lower-case hex. */
  String sha3();

  /** Its bytes, from the first. */
  InputStream stream() throws IOException;

  /** Says that the consumer has all of it: the agent's computation is then complete. */
  void consumed();

  /** Lets go of it; reading it again is possible. Idempotent. */
  @Override
  void close();
}
