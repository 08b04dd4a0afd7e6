// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.DEBUG;

import dev.fairlead.agent.AgentStatus;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.transport.api.Message;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The agent's hello, said until a manifest has come, and its heartbeat. Both are said by the thread
 * of the runner; any thread may call.
 */
final class Presence implements AutoCloseable {

  private static final System.Logger log = System.getLogger(Presence.class.getName());

  private final BootFacts facts;
  private final Addresses addresses;
  private final Duration interval;
  private final Runner runner;
  private final Switchboard switchboard;
  private final InstantSource clock;
  private final Agent agent;
  private final Supplier<Heartbeat.Backlog> backlog;
  private final Supplier<Heartbeat.@Nullable Swap> newestSwap;
  private final Runnable greeted;
  private volatile boolean closed;

  /** Touched by the runner's thread alone. */
  private long heartbeats;

  /**
   * Makes one that is silent.
   *
   * @param interval between two heartbeats
   * @param greeted run whenever a hello is on its way
   */
  Presence(
      BootFacts facts,
      Agent agent,
      Runner runner,
      Switchboard switchboard,
      Supplier<Heartbeat.Backlog> backlog,
      Supplier<Heartbeat.@Nullable Swap> newestSwap,
      InstantSource clock,
      Duration interval,
      Runnable greeted) {
    this.facts = facts;
    this.addresses = facts.addresses();
    this.agent = agent;
    this.runner = runner;
    this.switchboard = switchboard;
    this.backlog = backlog;
    this.newestSwap = newestSwap;
    this.clock = clock;
    this.interval = interval;
    this.greeted = greeted;
  }

  /** Begins: a hello at each connect, a heartbeat after each interval. */
  void start() {
    switchboard.onConnected(() -> runner.execute(this::hello));
    runner.after(interval, this::heartbeat);
  }

  /** Says a heartbeat soon, since something has changed. */
  void changed() {
    runner.execute(this::beat);
  }

  private void hello() {
    AgentStatus status = agent.status();
    if (status.state() != AgentState.RECEIVING_MANIFEST || !switchboard.connected()) {
      return;
    }
    Hello hello =
        new Hello(
            facts.computation(),
            status.epoch(),
            clock.instant(),
            status.state(),
            agent.uptime(),
            transport(),
            status.manifestSha256(),
            agent.version());
    send(addresses.hello(), hello.toJson(), "hello");
    greeted.run();
  }

  private void heartbeat() {
    if (!closed) {
      runner.after(interval, this::heartbeat);
      beat();
    }
  }

  private void beat() {
    if (closed || !switchboard.connected()) {
      return;
    }
    // Whoever answers a hello may have started only now.
    hello();
    heartbeats++;
    AgentStatus status = agent.status();
    Heartbeat beat =
        new Heartbeat(
            facts.computation(),
            status.epoch(),
            heartbeats,
            clock.instant(),
            interval,
            status.state(),
            agent.uptime(),
            backlog.get(),
            Machine.load(),
            agent.version(),
            transport(),
            newestSwap.get());
    send(addresses.heartbeat(), beat.toJson(), "heartbeat");
  }

  private String transport() {
    return switchboard.transport().orElse(facts.transport());
  }

  private void send(String address, byte[] payload, String what) {
    switchboard
        .send(new Message(address, payload))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                log.log(DEBUG, "A {0} was not sent; the next one follows: {1}", what, failure);
              }
            });
  }

  /** Says nothing more. Idempotent. */
  @Override
  public void close() {
    closed = true;
  }
}
