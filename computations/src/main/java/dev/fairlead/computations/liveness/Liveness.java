// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.liveness;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Says of each agent whether it lives: {@code starting → connected → late → disconnected → gone}.
 *
 * <p>Only this end's clocks count, never the sender's. Silence is measured by a clock that runs
 * only while this end's own link is up: who cannot hear must not conclude that nobody speaks.
 * {@code gone} never comes from silence; it comes from the end of the VM or of the credential, and
 * is final for the run.
 *
 * <p>Safe for use by several threads. No method blocks. Changes are told in order, under this
 * object's lock.
 */
public final class Liveness {

  /** The interval that is assumed until an agent has stated its own. */
  public static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(5);

  /** The shortest interval that is believed. */
  public static final Duration SHORTEST = Duration.ofMillis(200);

  /** The longest interval that is believed: an agent cannot buy itself silence. */
  public static final Duration LONGEST = Duration.ofSeconds(60);

  private static final int MISSED_LATE = 2;
  private static final int MISSED_DISCONNECTED = 3;

  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Consumer<Change> changes;
  private final Map<String, Agent> agents = new HashMap<>();
  private boolean linkUp;
  private long linkUpSince;
  private long listenedBefore;

  private static final class Agent {
    final int run;
    AgentState state;
    @Nullable Instant expiresAt;
    @Nullable Instant lastHeard;
    long intervalNanos = DEFAULT_INTERVAL.toNanos();
    long heardAt;

    Agent(int run, AgentState state) {
      this.run = run;
      this.state = state;
    }
  }

  /**
   * A change of an agent's state.
   *
   * @param at when, by this host's clock
   * @param lastHeard when the agent was last heard of; null when never
   * @param why one sentence for a person
   */
  public record Change(
      String id,
      int run,
      AgentState before,
      AgentState after,
      Instant at,
      @Nullable Instant lastHeard,
      String why) {}

  /**
   * An agent at this moment.
   *
   * @param lastHeard when it was last heard of; null when never
   * @param silence how long nothing was heard while this end's link was up
   * @param interval between heartbeats, as it stated, within the bounds
   */
  public record View(
      AgentState state, @Nullable Instant lastHeard, Duration silence, Duration interval) {}

  /**
   * Makes one that watches nobody, with its link down.
   *
   * @param clock this host's time, for what is shown and for credentials' ends
   * @param nanos a clock that never goes back, in nanoseconds: {@code System::nanoTime}
   * @param changes told of every change; must not block, throw, or call back
   */
  public Liveness(InstantSource clock, LongSupplier nanos, Consumer<Change> changes) {
    this.clock = requireNonNull(clock, "clock is null");
    this.nanos = requireNonNull(nanos, "nanos is null");
    this.changes = requireNonNull(changes, "changes is null");
  }

  /**
   * Watches a run of a computation; an earlier run of it is watched no more. Silence counts from
   * now.
   *
   * @param state where it stands, as far as was written down
   * @param lastHeard when it was last heard of; null when never
   * @param expiresAt when its credential ends; null when it has none yet
   */
  public synchronized void watch(
      String id,
      int run,
      AgentState state,
      @Nullable Instant lastHeard,
      @Nullable Instant expiresAt) {
    Agent agent = new Agent(run, state);
    agent.lastHeard = lastHeard;
    agent.expiresAt = expiresAt;
    agent.heardAt = listened();
    agents.put(id, agent);
  }

  /** Its credential was issued or renewed. */
  public synchronized void credential(String id, int run, Instant expiresAt) {
    Agent agent = agents.get(id);
    if (agent != null && agent.run == run) {
      agent.expiresAt = expiresAt;
    }
  }

  /**
   * Something was heard of an agent.
   *
   * @param interval until the next heartbeat, as it states; null when it states none
   * @return whether it counts: false for an agent that is not watched, or gone
   */
  public synchronized boolean heard(String id, @Nullable Duration interval) {
    Agent agent = agents.get(id);
    if (agent == null || agent.state == AgentState.GONE) {
      return false;
    }
    if (interval != null) {
      agent.intervalNanos = clamp(interval).toNanos();
    }
    agent.heardAt = listened();
    agent.lastHeard = clock.instant();
    become(id, agent, AgentState.CONNECTED, "It was heard of.");
    return true;
  }

  /** The transport's peer found its connection lost; it may be back with the next thing heard. */
  public synchronized void lost(String id) {
    Agent agent = agents.get(id);
    if (agent != null && (agent.state == AgentState.CONNECTED || agent.state == AgentState.LATE)) {
      become(id, agent, AgentState.DISCONNECTED, "Its connection was lost.");
    }
  }

  /** Its manager reported the end of its VM. */
  public synchronized void vmEnded(String id, int run, String reason) {
    Agent agent = agents.get(id);
    if (agent != null && agent.run == run) {
      become(id, agent, AgentState.GONE, "Its VM has ended: " + reason + ".");
    }
  }

  /** This end's own link is up: silence counts from here on. */
  public synchronized void linkUp() {
    if (!linkUp) {
      linkUp = true;
      linkUpSince = nanos.getAsLong();
    }
  }

  /** This end's own link is down: silence means nothing until it is up again. */
  public synchronized void linkDown() {
    if (linkUp) {
      listenedBefore = listened();
      linkUp = false;
    }
  }

  /** Looks at every agent; to be called a few times in each of the shortest intervals in use. */
  public synchronized void check() {
    Instant now = clock.instant();
    long listened = listened();
    agents.forEach((id, agent) -> check(id, agent, now, listened));
  }

  /** An agent at this moment; empty when it is not watched. */
  public synchronized Optional<View> view(String id) {
    Agent agent = agents.get(id);
    if (agent == null) {
      return Optional.empty();
    }
    return Optional.of(
        new View(
            agent.state,
            agent.lastHeard,
            Duration.ofNanos(listened() - agent.heardAt),
            Duration.ofNanos(agent.intervalNanos)));
  }

  /** Whether a computation is watched, and at which run; 0 when it is not. */
  public synchronized int run(String id) {
    Agent agent = agents.get(id);
    return agent == null ? 0 : agent.run;
  }

  private void check(String id, Agent agent, Instant now, long listened) {
    if (agent.state == AgentState.GONE) {
      return;
    }
    if (agent.expiresAt != null && !now.isBefore(agent.expiresAt)) {
      become(id, agent, AgentState.GONE, "Its credential has ended.");
      return;
    }
    if (agent.state == AgentState.STARTING) {
      return;
    }
    long silence = listened - agent.heardAt;
    if (missed(agent, silence, MISSED_DISCONNECTED)) {
      become(id, agent, AgentState.DISCONNECTED, "Three heartbeats are missing.");
    } else if (agent.state == AgentState.CONNECTED && missed(agent, silence, MISSED_LATE)) {
      become(id, agent, AgentState.LATE, "Two heartbeats are missing.");
    }
  }

  /** A heartbeat is missing once it is overdue by a tenth of the interval. */
  private static boolean missed(Agent agent, long silence, int count) {
    return silence > count * agent.intervalNanos + agent.intervalNanos / 10;
  }

  private void become(String id, Agent agent, AgentState after, String why) {
    AgentState before = agent.state;
    if (before != after && before != AgentState.GONE) {
      agent.state = after;
      changes.accept(
          new Change(id, agent.run, before, after, clock.instant(), agent.lastHeard, why));
    }
  }

  private long listened() {
    return listenedBefore + (linkUp ? nanos.getAsLong() - linkUpSince : 0);
  }

  private static Duration clamp(Duration interval) {
    if (interval.compareTo(SHORTEST) < 0) {
      return SHORTEST;
    }
    return interval.compareTo(LONGEST) > 0 ? LONGEST : interval;
  }
}
