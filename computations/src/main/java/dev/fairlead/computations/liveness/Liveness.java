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
 * only while this end's own link is up, that over the transport on which the agent was heard last:
 * who cannot hear must not conclude that nobody speaks. {@code gone} never comes from silence; it
 * comes from the end of the VM or of the credential, and is final for the run.
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
  private final Map<String, Ear> ears = new HashMap<>();

  /** Hears as long as any link is up: for agents that were not heard yet. */
  private final Ear any = new Ear();

  /** How long one link was up; its time runs only then. */
  private static final class Ear {
    boolean open;
    long since;
    long before;

    long listened(long now) {
      return before + (open ? now - since : 0);
    }

    void set(boolean opened, long now) {
      if (open != opened) {
        before = listened(now);
        since = now;
        open = opened;
      }
    }
  }

  private static final class Agent {
    final int run;
    AgentState state;
    @Nullable Instant expiresAt;
    @Nullable Instant lastHeard;
    long intervalNanos = DEFAULT_INTERVAL.toNanos();
    long heardAt;

    /** The transport on which it was heard last; null before, or when that is used no more. */
    @Nullable String transport;

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
   * @param transport on which it was heard last; null when on none that is used
   */
  public record View(
      AgentState state,
      @Nullable Instant lastHeard,
      Duration silence,
      Duration interval,
      @Nullable String transport) {}

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
    agent.heardAt = listened(agent);
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
   * @param transport that brought it
   * @param interval until the next heartbeat, as it states; null when it states none
   * @return whether it counts: false for an agent that is not watched, or gone
   */
  public synchronized boolean heard(String id, String transport, @Nullable Duration interval) {
    Agent agent = agents.get(id);
    if (agent == null || agent.state == AgentState.GONE) {
      return false;
    }
    if (interval != null) {
      agent.intervalNanos = clamp(interval).toNanos();
    }
    var unused =
        ears.computeIfAbsent(transport, absent -> new Ear()); // its opening may be told later
    agent.transport = transport;
    agent.heardAt = listened(agent);
    agent.lastHeard = clock.instant();
    become(id, agent, AgentState.CONNECTED, "It was heard of.");
    return true;
  }

  /**
   * A transport's peer found its connection lost; it may be back with the next thing heard. Means
   * nothing where it was heard last on another.
   */
  public synchronized void lost(String id, String transport) {
    Agent agent = agents.get(id);
    if (agent != null
        && transport.equals(agent.transport)
        && (agent.state == AgentState.CONNECTED || agent.state == AgentState.LATE)) {
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

  /** This end's own link over a transport is up: silence there counts from here on. */
  public synchronized void linkUp(String transport) {
    long now = nanos.getAsLong();
    ears.computeIfAbsent(transport, absent -> new Ear()).set(true, now);
    any.set(true, now);
  }

  /** This end's own link over a transport is down: silence there means nothing until it is up. */
  public synchronized void linkDown(String transport) {
    long now = nanos.getAsLong();
    Ear ear = ears.get(transport);
    if (ear != null) {
      ear.set(false, now);
    }
    any.set(ears.values().stream().anyMatch(one -> one.open), now);
  }

  /** A transport is used no more: who was heard on it must be heard on another. */
  public synchronized void linkGone(String transport) {
    linkDown(transport);
    ears.remove(transport);
    for (Agent agent : agents.values()) {
      if (transport.equals(agent.transport)) {
        agent.transport = null;
        agent.heardAt = listened(agent);
      }
    }
  }

  /** Looks at every agent; to be called a few times in each of the shortest intervals in use. */
  public synchronized void check() {
    Instant now = clock.instant();
    agents.forEach((id, agent) -> check(id, agent, now));
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
            Duration.ofNanos(listened(agent) - agent.heardAt),
            Duration.ofNanos(agent.intervalNanos),
            agent.transport));
  }

  /** Whether a computation is watched, and at which run; 0 when it is not. */
  public synchronized int run(String id) {
    Agent agent = agents.get(id);
    return agent == null ? 0 : agent.run;
  }

  private void check(String id, Agent agent, Instant now) {
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
    long silence = listened(agent) - agent.heardAt;
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

  private long listened(Agent agent) {
    Ear ear = agent.transport == null ? null : ears.get(agent.transport);
    return (ear == null ? any : ear).listened(nanos.getAsLong());
  }

  private static Duration clamp(Duration interval) {
    if (interval.compareTo(SHORTEST) < 0) {
      return SHORTEST;
    }
    return interval.compareTo(LONGEST) > 0 ? LONGEST : interval;
  }
}
