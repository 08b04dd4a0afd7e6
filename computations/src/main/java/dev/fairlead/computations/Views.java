// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Epoch;
import dev.fairlead.computations.registry.Run;
import dev.fairlead.computations.registry.Swap;
import dev.fairlead.computations.store.Book;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How things look in the API. */
final class Views {

  private Views() {}

  /** A line of the list, and the head of everything else about a computation. */
  static JsonObject.Builder computation(
      Computation computation, Optional<Liveness.View> live, Reception.Said said) {
    Run run = computation.run();
    return JsonObject.builder()
        .put("id", computation.id())
        .put("wanted_id", computation.wantedId())
        .put("created", computation.created().toString())
        .put("run", run.number())
        .put("started", run.started().toString())
        .put("host", run.host())
        .put("digest", run.digest())
        .put("manifest_sha256", run.manifestSha256())
        .put("vm", vm(run))
        .put("agent", agent(run, live, said))
        .putIfPresent("credential", credential(run));
  }

  static JsonObject swap(Swap swap) {
    return JsonObject.builder()
        .put("command", swap.command())
        .put("run", swap.run())
        .put("from", swap.from())
        .put("to", swap.to())
        .put("state", swap.state().word())
        .put("started", swap.started().toString())
        .putIfPresent("ended", time(swap.ended()))
        .putIfPresent("code", swap.code())
        .putIfPresent("message", swap.reason())
        .build();
  }

  static JsonObject run(Run run) {
    return JsonObject.builder()
        .put("run", run.number())
        .put("started", run.started().toString())
        .put("host", run.host())
        .put("digest", run.digest())
        .put("manifest_sha256", run.manifestSha256())
        .put("vm", vm(run))
        .put(
            "agent",
            JsonObject.builder()
                .put("state", run.agent().word())
                .putIfPresent("last_heard", time(run.lastHeard()))
                .build())
        .putIfPresent("credential", credential(run))
        .put(
            "first_lines",
            JsonObject.builder()
                .put("logs", run.firstLogLine())
                .put("events", run.firstEventLine())
                .build())
        .build();
  }

  static JsonArray books(List<Book> books, List<Epoch> epochs) {
    return JsonArray.of(
        books.stream()
            .map(
                book -> {
                  JsonObject.Builder json =
                      JsonObject.builder().put("stream", book.stream()).put("epoch", book.epoch());
                  epochs.stream()
                      .filter(epoch -> epoch.name().equals(book.epoch()))
                      .findFirst()
                      .ifPresent(epoch -> json.put("run", epoch.run()));
                  return json.put("stored_up_to", book.storedUpTo())
                      .put("stored", book.stored())
                      .put("lost", book.lost())
                      .put("gaps", book.gaps())
                      .putIfPresent("since", time(book.since()))
                      .putIfPresent("until", time(book.until()))
                      .build();
                })
            .toList());
  }

  static JsonObject refusals(Map<String, Refusals.Refusal> refusals) {
    JsonObject.Builder all = JsonObject.builder();
    refusals.forEach(
        (code, refusal) ->
            all.put(
                code,
                JsonObject.builder()
                    .put("count", refusal.count())
                    .put("last", refusal.last().toString())
                    .put("subject", refusal.subject())
                    .put("message", refusal.message())
                    .build()));
    return all.build();
  }

  private static JsonObject vm(Run run) {
    JsonObject.Builder vm = JsonObject.builder().put("state", run.vm().word());
    if (run.endedAt() != null) {
      vm.put(
          "end",
          JsonObject.builder()
              .putIfPresent("kind", run.endKind())
              .putIfPresent("reason", run.endReason())
              .putIfPresent("at", time(run.endedAt()))
              .build());
    }
    return vm.build();
  }

  private static JsonObject agent(Run run, Optional<Liveness.View> live, Reception.Said said) {
    JsonObject.Builder agent = JsonObject.builder();
    if (live.isPresent()) {
      Liveness.View view = live.get();
      agent
          .put("state", view.state().word())
          .putIfPresent("last_heard", time(view.lastHeard()))
          .put("silent_ms", view.silence().toMillis())
          .put("interval_ms", view.interval().toMillis())
          .putIfPresent("heard_on", view.transport());
    } else {
      agent.put("state", run.agent().word()).putIfPresent("last_heard", time(run.lastHeard()));
    }
    Heartbeat heartbeat = said.heartbeat();
    Hello hello = said.hello();
    if (heartbeat != null) {
      agent
          .put("work", heartbeat.state().wireName())
          .put("epoch", heartbeat.epoch())
          .put("uptime_ms", heartbeat.uptime().toMillis())
          .put(
              "outbox",
              JsonObject.builder()
                  .put("queued", heartbeat.outbox().queued())
                  .put("unacked", heartbeat.outbox().unacked())
                  .put("dropped", heartbeat.outbox().dropped())
                  .build())
          .put("memory_used", heartbeat.load().memoryUsed())
          .put("memory_total", heartbeat.load().memoryTotal())
          .put("load", heartbeat.load().average())
          .put("version", heartbeat.version());
    } else if (hello != null) {
      agent
          .put("work", hello.state().wireName())
          .put("epoch", hello.epoch())
          .put("uptime_ms", hello.uptime().toMillis())
          .put("version", hello.version());
    }
    if (heartbeat != null && heartbeat.transport() != null) {
      agent.put("transport", heartbeat.transport());
    } else if (hello != null) {
      agent.put("transport", hello.transport());
    }
    return agent.build();
  }

  private static @Nullable JsonObject credential(Run run) {
    if (run.credentialSha256() == null) {
      return null;
    }
    return JsonObject.builder()
        .putIfPresent("sha256", run.credentialSha256())
        .putIfPresent("expires_at", time(run.credentialExpiresAt()))
        .build();
  }

  private static @Nullable String time(@Nullable Instant instant) {
    return instant == null ? null : instant.toString();
  }
}
