// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import dev.fairlead.agent.spi.AlgorithmKind.AlgorithmCommand;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;

/** Where algorithms run, apart from the agent and from each other. */
public interface Sandbox {

  /** Its name, for events: {@code isolated}, {@code plain}. */
  String name();

  /**
   * Makes a cell for one run.
   *
   * @param name of the run, {@code [a-z0-9-]{1,32}}; no other open cell has it
   * @throws IOException when it cannot be made; nothing is left of it
   */
  Cell open(String name, RunLimits limits) throws IOException;

  /** The place of one run. For one thread at a time. */
  interface Cell extends AutoCloseable {

    /** Its working directory, as the agent sees it; empty at first. */
    Path directory();

    /**
     * Starts the algorithm; once only. Everything in the working directory is handed to the run's
     * user before.
     */
    Running start(AlgorithmCommand command) throws IOException;

    /** Ends what still runs, and removes all that was made. Idempotent. */
    @Override
    void close();
  }

  /** A started algorithm. Safe for use by several threads. */
  interface Running {

    /** What it prints. */
    InputStream stdout();

    /** What it prints as errors. */
    InputStream stderr();

    /**
     * Waits until the algorithm's first process has ended.
     *
     * @return its exit code; 128 and the signal's number where a signal ended it
     */
    int await() throws InterruptedException;

    /** Which limit of the sandbox ended it, as a sentence for a person; asked after the end. */
    Optional<String> limitHit();

    /**
     * Ends all its processes at once; {@link #await} then returns. What they printed before can
     * still be read. Idempotent.
     */
    void kill();
  }
}
