// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.grpc.AgentClient;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One computation, from its file to its result, as its owner sees it: over the two services' HTTP
 * and the agent's gRPC, and by nothing else.
 */
final class RunSession {

  private static final Duration DELIVERED_WITHIN = Duration.ofSeconds(60);
  private static final long POLL_NANOS = 100_000_000;

  private final JsonClient manager;
  private final JsonClient computations;
  private final Progress progress;
  private final InstantSource clock;
  private @Nullable Instant helloAt;
  private @Nullable Instant completeAt;

  RunSession(Services services, Progress progress, InstantSource clock) {
    this.manager = services.manager();
    this.computations = services.computations();
    this.progress = progress;
    this.clock = clock;
  }

  /**
   * A computation that was taken.
   *
   * @param id under which it runs
   * @param digest of its manifest
   * @param agentHost where its agent answers gRPC
   */
  record Submitted(String id, String digest, String agentHost, int agentPort) {}

  /** Hands a computation to the manager. */
  Submitted submit(JsonObject manifest) {
    JsonObject answer =
        manager.post("/run", JsonObject.builder().put("computation", manifest).build().toBytes());
    return submitted(answer);
  }

  /** Where the agent of a computation answers, as its manager says. */
  Submitted find(String id) {
    return submitted(manager.get("/vms/" + Paths.segment(id)));
  }

  private static Submitted submitted(JsonObject answer) {
    String address =
        answer
            .optionalString("agent_address")
            .orElseThrow(
                () -> new CommandFailure(ExitCode.RETRY, "The VM has no agent to speak to."));
    int colon = address.lastIndexOf(':');
    return new Submitted(
        answer.string("computation_id"),
        Fields.text(answer, "id"),
        address.substring(0, colon),
        Integer.parseInt(address.substring(colon + 1)));
  }

  /**
   * Uploads what the agent waits for and follows its events to the end.
   *
   * @param result where the result's zip goes
   * @param limit for the whole
   * @return whether the computation is complete; false when it failed: the reason was said
   */
  boolean drive(Submitted computation, RunFile file, RoleKeys keys, Path result, Duration limit)
      throws IOException {
    try (JsonClient.LineReader events = follow(computation.id(), "events");
        AgentClient agent =
            new AgentClient(computation.agentHost(), computation.agentPort(), computation.id())) {
      CompletableFuture<Void> timer = closeAfter(limit, events::close);
      try {
        for (JsonObject event = events.nextObject(); event != null; event = events.nextObject()) {
          String type = event.string("event_type");
          String status = event.string("status");
          String originator = event.string("originator");
          progress.say("%s: %s %s".formatted(originator, type, status));
          // The manager hears the hello itself; what the agent says next may overtake its event.
          if (helloAt == null && (originator.equals("agent") || type.equals("VmBooted"))) {
            helloAt = clock.instant();
          }
          switch (type) {
            case "ReceivingAlgorithm" -> {
              if (!status.equals("Warning")) {
                agent.uploadAlgorithm(
                    file.algorithm(),
                    file.kind(),
                    file.arguments(),
                    keys.secret(RoleKeys.Role.ALGORITHM));
                progress.say("the algorithm is with the agent, its SHA3-256 verified");
              }
            }
            case "ReceivingData" -> {
              if (!status.equals("Warning")) {
                for (Path dataset : file.datasets()) {
                  agent.uploadDataset(
                      dataset,
                      String.valueOf(dataset.getFileName()),
                      keys.secret(RoleKeys.Role.DATA));
                }
                progress.say("%d dataset(s) with the agent".formatted(file.datasets().size()));
              }
            }
            case "ConsumingResults" -> {
              if (!status.equals("Warning")) {
                agent.fetchResult(result, keys.secret(RoleKeys.Role.CONSUMER));
                progress.say("the result is in " + result);
              }
            }
            case "Complete" -> {
              completeAt = clock.instant();
              return true;
            }
            case "Failed", "VmEnded" -> {
              progress.say(event.optionalObject("details").map(JsonObject::toString).orElse(""));
              return false;
            }
            default -> {}
          }
        }
      } catch (HttpProblem e) {
        if (timer.isDone()) {
          throw new CommandFailure(
              ExitCode.FAILED,
              "Computation %s did not end within %d s."
                  .formatted(computation.id(), limit.toSeconds()),
              e);
        }
        throw e;
      } finally {
        timer.cancel(false);
      }
    }
    throw new CommandFailure(
        ExitCode.RETRY, "The events broke off, by time or by loss: is the service still up?");
  }

  /** When the agent was first heard here, by this side's clock; null while it was not. */
  @Nullable Instant helloAt() {
    return helloAt;
  }

  /** When it was heard that the computation is complete; null while it was not. */
  @Nullable Instant completeAt() {
    return completeAt;
  }

  /** Follows the lines of a computation, once it is started. */
  LogFollower logs(String id, Consumer<JsonObject> each) {
    return new LogFollower(follow(id, "logs"), each);
  }

  /**
   * Waits until the agent has no line left that is not stored.
   *
   * @param vm as {@link #vm} gives it
   * @return the agent's own books of its lines
   * @throws CommandFailure when the agent of another computation answers
   */
  JsonObject delivered(JsonObject vm) {
    long port = vm.object("ports").integer("http", 1, 65_535);
    JsonClient agent = new JsonClient(URI.create("http://127.0.0.1:" + port), null);
    long deadline = System.nanoTime() + DELIVERED_WITHIN.toNanos();
    while (true) {
      JsonObject state = agent.get("/state");
      requireOwn(state, vm);
      JsonObject books = state.object("books").object("logs");
      boolean all = books.integer("queued", 0, Long.MAX_VALUE) == 0;
      if (all || System.nanoTime() - deadline > 0) {
        return books;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static void requireOwn(JsonObject state, JsonObject vm) {
    String answering = state.string("computation");
    String wanted = vm.string("computation_id");
    if (!answering.equals(wanted)) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "On the port of %s answers the agent of another computation (%s): see whether its VM runs."
              .formatted(wanted, answering));
    }
  }

  JsonClient.LineReader follow(String id, String stream) {
    return computations.lines(
        "/computations/%s/%s?follow=true&run=latest".formatted(Paths.segment(id), stream));
  }

  /** All lines of a stream that are stored now. */
  void read(String id, String stream, Consumer<JsonObject> each) {
    try (JsonClient.LineReader lines =
        computations.lines("/computations/%s/%s?run=latest".formatted(Paths.segment(id), stream))) {
      for (JsonObject line = lines.nextObject(); line != null; line = lines.nextObject()) {
        each.accept(line);
      }
    }
  }

  /** What the computations service knows of it. */
  JsonObject state(String id) {
    return computations.get("/computations/" + Paths.segment(id));
  }

  /** What the manager knows of its VM. */
  JsonObject vm(String id) {
    return manager.get("/vms/" + Paths.segment(id));
  }

  /** Ends its VM. */
  void stop(String id) {
    manager.delete("/vms/" + Paths.segment(id));
  }

  private static CompletableFuture<Void> closeAfter(Duration limit, Runnable close) {
    return CompletableFuture.runAsync(
        close, CompletableFuture.delayedExecutor(limit.toMillis(), TimeUnit.MILLISECONDS));
  }
}
