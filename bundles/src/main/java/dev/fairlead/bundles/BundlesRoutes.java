// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.http.HttpHandler;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The HTTP API.
 *
 * <pre>
 * GET  /bundles                        the transports' bundles, and what each can be rolled back to
 * POST /bundles?sha256=HEX[&amp;signature=BASE64][&amp;dry-run]   the body is a jar
 * POST /bundles/{name}/rollback[?dry-run]
 * GET  /health
 * GET  /metrics                        Prometheus text
 * </pre>
 */
final class BundlesRoutes {

  private final Bundles bundles;
  private final Counts counts;

  BundlesRoutes(Bundles bundles, Counts counts) {
    this.bundles = bundles;
    this.counts = counts;
  }

  Routes routes() {
    return new Routes()
        .get("/bundles", request -> Response.json(list()))
        .post(
            "/bundles",
            told(
                request ->
                    Response.json(
                        bundles
                            .update(
                                request.body(),
                                Proof.of(
                                    request.query("sha256").orElse(null),
                                    request.query("signature").orElse(null)),
                                request.queryFlag("dry-run"))
                            .toJson())))
        .post(
            "/bundles/{name}/rollback",
            told(
                request ->
                    Response.json(
                        bundles
                            .rollback(request.path("name"), request.queryFlag("dry-run"))
                            .toJson())))
        .get(
            "/health", request -> Response.json(JsonObject.builder().put("status", "pass").build()))
        .get(
            "/metrics",
            request ->
                Response.bytes(
                    200,
                    "text/plain; version=0.0.4; charset=utf-8",
                    counts.metrics().getBytes(StandardCharsets.UTF_8)));
  }

  private JsonObject list() {
    List<JsonObject> all = new ArrayList<>();
    for (Bundles.Standing each : bundles.list()) {
      JsonObject.Builder one =
          JsonObject.builder()
              .put("bundle", each.bundle())
              .put("version", each.version())
              .put("state", each.state())
              .put("jar", each.jar().toString());
      String before = each.before();
      if (before != null) {
        one.put("rollback", before);
      }
      all.add(one.build());
    }
    return JsonObject.builder().put("bundles", JsonArray.of(all)).build();
  }

  private static HttpHandler told(HttpHandler handler) {
    return request -> {
      try {
        return handler.handle(request);
      } catch (ChangeException e) {
        throw new HttpProblem(status(e), e.code(), String.valueOf(e.getMessage()), e);
      }
    };
  }

  private static int status(ChangeException e) {
    return switch (e.category()) {
      case RETRY -> 503;
      case BROKEN -> 409;
      case REFUSED ->
          switch (e.code()) {
            case "unknown-bundle" -> 404;
            case "too-large" -> 413;
            case "not-newer", "refresh-closure", "nothing-to-go-back-to", "closing" -> 409;
            default -> 400;
          };
    };
  }
}
