// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.JsonObject;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The events of one agent: each is given its time, its computation and its originator, and said; of
 * refusals only so many. Never waits. Safe for use by several threads: whoever wants an order among
 * events says them with a lock held.
 */
final class AgentEvents {

  private static final System.Logger log = System.getLogger(AgentEvents.class.getName());

  /** So many refusals are told as events; of more, few are logged, so that nobody can flood. */
  private static final int REFUSALS_TOLD = 100;

  private final String computation;
  private final InstantSource clock;
  private final Consumer<Event> sink;
  private final AtomicInteger refusals = new AtomicInteger();

  /**
   * Makes them.
   *
   * @param sink takes an event; never waits
   */
  AgentEvents(String computation, InstantSource clock, Consumer<Event> sink) {
    this.computation = computation;
    this.clock = clock;
    this.sink = sink;
  }

  /** Tells one. */
  void tell(String type, String status, JsonObject details) {
    sink.accept(new Event(type, status, clock.instant(), computation, Agent.ORIGINATOR, details));
  }

  /** Tells that something was refused; after the first hundred only in the log. */
  void refused(String type, String code, String message) {
    int sofar = refusals.incrementAndGet();
    // Beyond the bound, ever fewer of them: 128, 256, 512…
    if (sofar <= REFUSALS_TOLD || Integer.bitCount(sofar) == 1) {
      log.log(WARNING, "{0} ({1} so far): {2}: {3}", type, sofar, code, message);
    }
    if (sofar <= REFUSALS_TOLD) {
      tell(type, "Warning", JsonObject.builder().put("code", code).put("message", message).build());
    }
  }
}
