// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.door;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentService;
import dev.fairlead.agent.AgentStatus;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonServer;
import dev.fairlead.http.Request;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.util.TreeMap;

/** {@code POST /run}, {@code GET /health}, {@code GET /state}. */
public final class HttpDoor implements AutoCloseable {

  private static final int WORKERS = 2;
  private static final int FOLLOWERS = 0;

  private final AgentService agent;
  private final String version;
  private final JsonServer server;

  /**
   * Opens it.
   *
   * @throws HttpProblem when it cannot listen there
   */
  public HttpDoor(AgentService agent, String version, HttpSettings settings) {
    this.agent = agent;
    this.version = version;
    Routes routes =
        new Routes()
            .post("/run", this::run)
            .get("/health", this::health)
            .get("/state", this::state);
    this.server = JsonServer.start(settings.withThreads(WORKERS, FOLLOWERS), routes);
  }

  /** Where it listens. */
  public int port() {
    return server.port();
  }

  private Response run(Request request) {
    try {
      String digest = agent.acceptManifest(request.jsonBody());
      return Response.json(Json.write(JsonObject.builder().put("id", digest).build()));
    } catch (AgentException e) {
      throw new HttpProblem(status(e), e.code(), e.sentence(), e);
    }
  }

  private static int status(AgentException e) {
    return switch (e.reason()) {
      case WRONG_STATE -> 409;
      case NOT_PERMITTED -> 403;
      case INVALID -> 400;
      case TOO_LARGE -> 413;
      case BUSY -> 503;
      case INTERNAL -> 500;
    };
  }

  private Response health(Request request) {
    return Response.json(
        Json.write(
            JsonObject.builder()
                .put("status", "pass")
                .put("version", version)
                .put("description", "Fairlead agent")
                .put("state", agent.status().state().wireName())
                .build()));
  }

  private Response state(Request request) {
    AgentStatus status = agent.status();
    JsonObject.Builder books = JsonObject.builder();
    new TreeMap<>(status.books())
        .forEach(
            (stream, of) ->
                books.put(
                    stream,
                    JsonObject.builder()
                        .put("appended", of.appended())
                        .put("delivered", of.delivered())
                        .put("queued", of.queued())
                        .put("dropped", of.dropped())
                        .build()));
    return Response.json(
        Json.write(
            JsonObject.builder()
                .put("computation", status.computation())
                .put("epoch", status.epoch())
                .put("state", status.state().wireName())
                .put("uptime_ms", status.uptimeMillis())
                .putIfPresent("manifest_sha256", status.manifestSha256())
                .putIfPresent("result_sha3_256", status.resultSha3())
                .putIfPresent("failure", status.failure())
                .put("books", books.build())
                .build()));
  }

  @Override
  public void close() {
    server.close();
  }
}
