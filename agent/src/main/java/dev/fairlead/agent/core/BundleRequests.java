// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * What the agent asks whoever orders bundles: for pieces of jars, and to hear what became of an
 * order, which is told as an event too. Safe for use by several threads; never blocks.
 */
final class BundleRequests implements BundleIntake.Asking, BundleIntake.Teller, AutoCloseable {

  private static final System.Logger log = System.getLogger(BundleRequests.class.getName());

  /** How long what became of a bundle is said, until it is heard. */
  private static final Duration OUTCOME = Duration.ofMinutes(5);

  private final Switchboard switchboard;
  private final Runner runner;
  private final Addresses addresses;
  private final AgentEvents events;

  // Guarded by this.
  private boolean closed;

  /** Made when it is first needed: few agents ask anything. */
  private @Nullable Requester requester;

  BundleRequests(Switchboard switchboard, Runner runner, Addresses addresses, AgentEvents events) {
    this.switchboard = switchboard;
    this.runner = runner;
    this.addresses = addresses;
    this.events = events;
  }

  /** Asks again until it is answered. */
  @Override
  public synchronized CompletionStage<byte[]> ask(BundleRequest request, Duration patience) {
    if (closed) {
      return CompletableFuture.failedStage(new IllegalStateException("The agent ends."));
    }
    Requester made = requester;
    if (made == null) {
      made = new Requester(switchboard, runner, addresses.bundles(), addresses.replies());
      requester = made;
    }
    return made.ask(request.toJson(), patience);
  }

  @Override
  public void tell(Command.Bundle order, BundleRequest.Outcome outcome) {
    JsonObject details =
        JsonObject.builder()
            .put("command", order.id())
            .put("bundle", order.bundle())
            .putIfPresent("from", outcome.from())
            .put("to", order.version())
            .put("sha256", order.sha256())
            .putIfPresent("code", outcome.code())
            .putIfPresent("message", outcome.message())
            .put("others_refreshed", outcome.othersRefreshed())
            .put("millis", outcome.millis())
            .build();
    String status = outcome.done() ? "Completed" : "Failed";
    log.log(INFO, "Change of a bundle: {0}: {1}", status, details);
    events.tell(BundleIntake.EVENT, status, details);
    ask(outcome, OUTCOME)
        .whenComplete(
            (heard, failure) -> {
              if (failure != null) {
                log.log(DEBUG, "Nobody wants to know what became of a bundle.", failure);
              }
            });
  }

  /** Gives up what is not answered. Idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    if (requester != null) {
      requester.close();
    }
  }
}
