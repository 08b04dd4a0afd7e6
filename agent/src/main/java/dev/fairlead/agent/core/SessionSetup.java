// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.run.Sandbox;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.delivery.BundleUpdater;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link AgentSession} needs.
 *
 * @param start what is known of this VM
 * @param settings of whoever deploys the agent
 * @param workspace where algorithms run, and how
 * @param streams what is kept of events and lines
 * @param timing of signs of life
 * @param platform the process in which it runs
 * @param listener told how it goes
 */
public record SessionSetup(
    StartFacts start,
    AgentSettings settings,
    Workspace workspace,
    Streams streams,
    Timing timing,
    Platform platform,
    Listener listener) {

  /**
   * Where algorithms run, and how.
   *
   * @param directory of the agent's own
   * @param kinds finds a kind of algorithm by its name
   */
  public record Workspace(
      Path directory, Sandbox sandbox, Function<String, Optional<AlgorithmKind>> kinds) {}

  /**
   * What is kept of events and lines until they are delivered.
   *
   * @param logBytes memory for lines
   * @param spool a folder in which events and lines outlive this process; null: memory alone
   * @param spoolBytes the most bytes of each of the two streams there
   */
  public record Streams(long logBytes, @Nullable Path spool, long spoolBytes) {}

  /**
   * How long things take.
   *
   * @param heartbeat time between two signs of life
   * @param patience how long the transport's provider may take to appear, and the first one to
   *     connect
   */
  public record Timing(Duration heartbeat, Duration patience) {}

  /**
   * The process in which the agent runs.
   *
   * @param random cannot be guessed
   * @param version of the agent
   * @param updater finds whoever changes bundles in this process; null where there is nobody yet
   */
  public record Platform(
      InstantSource clock,
      RandomGenerator random,
      String version,
      Supplier<@Nullable BundleUpdater> updater) {}

  /** Told how a session goes, by threads of its own. */
  public interface Listener {

    /**
     * Called once, when the first hello is on its way, or after the patience where no connection
     * came about: what the hello does not need may start.
     */
    void greeted();

    /** Called once, when the agent was told to stop and all is delivered. */
    void ended();

    /** Called when the agent cannot go on. */
    void failed(Throwable reason);
  }
}
