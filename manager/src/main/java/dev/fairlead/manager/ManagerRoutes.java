// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.http.HttpHandler;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.Metrics;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.RunRequest;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The manager's HTTP API.
 *
 * <pre>
 * POST   /run                  starts a computation's VM; 200 at once, with id, computation_id, agent_address, ports, state
 * GET    /health               the public contract's shape, and how the registry is reached
 * GET    /vms                  all VMs
 * GET    /vms/{id}             one
 * GET    /vms/{id}/console     the last 64 KiB of its console
 * DELETE /vms/{id}?grace=SEC   ends it, or forgets one that has ended
 * POST   /vms/{id}/restart     starts it anew; 409 while it runs
 * GET    /metrics              Prometheus text
 * </pre>
 */
final class ManagerRoutes {

  private static final int CONSOLE_BYTES = 64 << 10;

  private final Manager manager;
  private final LinkView link;
  private final Supplier<@Nullable LegacyCounts> legacy;
  private final BuildFacts build;

  /** What is shown of this manager's way to the others. */
  interface LinkView {

    /** Whether the registry can be asked now. */
    boolean registryConnected();

    /** Swaps of its own links, by transport. */
    SortedMap<String, SwapCounts> swaps();
  }

  /**
   * Makes them.
   *
   * @param link this manager's way to the others
   * @param legacy gives null while no agents of 2024 are served
   */
  ManagerRoutes(
      Manager manager, LinkView link, Supplier<@Nullable LegacyCounts> legacy, BuildFacts build) {
    this.manager = manager;
    this.link = link;
    this.legacy = legacy;
    this.build = build;
  }

  /** All of them. */
  Routes routes() {
    return new Routes()
        .post("/run", told(request -> run(RunRequest.parse(request.jsonBody()))))
        .get("/health", request -> Response.json(health()))
        .get("/vms", told(request -> Response.json(list())))
        .get("/vms/{id}", told(request -> Response.json(manager.get(request.path("id")).toJson())))
        .get("/vms/{id}/console", told(request -> console(manager.console(request.path("id")))))
        .delete(
            "/vms/{id}",
            told(
                request -> {
                  long grace = request.queryNumber("grace", -1, 0, 3600);
                  return Response.json(
                      manager
                          .end(request.path("id"), grace < 0 ? null : Duration.ofSeconds(grace))
                          .toJson());
                }))
        .post(
            "/vms/{id}/restart",
            told(request -> Response.json(manager.restart(request.path("id")).toJson())))
        .get("/metrics", request -> metrics());
  }

  private Response run(RunRequest request) {
    return Response.json(manager.run(request).toJson());
  }

  private JsonObject health() {
    return JsonObject.builder()
        .put("status", "pass")
        .put("version", build.version())
        .put("commit", build.commit())
        .put("description", "manager service")
        .put("build_time", build.time())
        .put("instance_id", manager.instance())
        .put("registry", registry() ? "connected" : "connecting")
        .put("running", manager.running())
        .put("limit", manager.maxVms())
        .build();
  }

  private JsonObject list() {
    return JsonObject.builder()
        .put("vms", JsonArray.of(manager.list().stream().map(VmView::toJson).toList()))
        .put("running", manager.running())
        .put("limit", manager.maxVms())
        .build();
  }

  private Response metrics() {
    Map<VmState, Integer> states = new EnumMap<>(VmState.class);
    manager.list().forEach(vm -> states.merge(vm.state(), 1, Integer::sum));
    Metrics metrics = new Metrics();
    metrics.gauge("fairlead_manager_vms", "VMs by state.");
    for (VmState state : VmState.values()) {
      metrics.sample(
          "fairlead_manager_vms",
          "state=\"%s\"".formatted(state.word()),
          states.getOrDefault(state, 0));
    }
    gauge(metrics, "ports_leased", "Host ports that lead to VMs.", manager.leasedPorts());
    gauge(metrics, "vms_limit", "VMs that may run at once, 0 for any number.", manager.maxVms());
    gauge(metrics, "registry_connected", "1 if the registry can be asked.", registry() ? 1 : 0);
    String links = "fairlead_manager_link_swaps_total";
    metrics.counter(links, "Own links that were to be replaced by newer ones, by outcome.");
    link.swaps()
        .forEach(
            (transport, swaps) ->
                metrics
                    .sample(links, labels(transport, "done"), swaps.done())
                    .sample(links, labels(transport, "failed"), swaps.failed()));
    LegacyCounts served = legacy.get();
    if (served != null) {
      String frames = "fairlead_manager_legacy_frames_total";
      metrics
          .counter(frames, "Of agents of 2024, by outcome.")
          .sample(frames, "outcome=\"taken\"", served.taken())
          .sample(frames, "outcome=\"answered\"", served.answered())
          .sample(frames, "outcome=\"refused\"", served.refused());
    }
    return metrics.toResponse();
  }

  private static String labels(String transport, String outcome) {
    return "transport=\"%s\",outcome=\"%s\"".formatted(transport, outcome);
  }

  private static void gauge(Metrics metrics, String name, String help, int value) {
    String whole = "fairlead_manager_" + name;
    metrics.gauge(whole, help).sample(whole, value);
  }

  private boolean registry() {
    return link.registryConnected();
  }

  private static Response console(Path file) throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new HttpProblem(404, "no-console", "There is no console of this VM.");
    }
    try (RandomAccessFile console = new RandomAccessFile(file.toFile(), "r")) {
      long length = console.length();
      byte[] tail = new byte[(int) Math.min(length, CONSOLE_BYTES)];
      console.seek(length - tail.length);
      console.readFully(tail);
      return Response.bytes(200, "text/plain; charset=utf-8", tail);
    }
  }

  /** Turns what the manager throws into what the client is told. */
  private static HttpHandler told(HttpHandler handler) {
    return request -> {
      try {
        return handler.handle(request);
      } catch (ManagerException e) {
        throw new HttpProblem(status(e), e.code(), String.valueOf(e.getMessage()), e);
      }
    };
  }

  private static int status(ManagerException e) {
    return switch (e.category()) {
      case RETRY -> 503;
      case BROKEN -> 500;
      case REFUSED ->
          switch (e.code()) {
            case "unknown-vm", "unknown-computation" -> 404;
            case "vm-runs", "vm-not-ended", "not-your-computation" -> 409;
            case "manifest-too-large", "too-large" -> 413;
            default -> 400;
          };
    };
  }
}
