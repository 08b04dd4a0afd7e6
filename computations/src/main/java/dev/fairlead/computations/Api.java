// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Run;
import dev.fairlead.computations.registry.Swap;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.http.HttpHandler;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.Request;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** The HTTP JSON API. What each path answers stands in the module's README. */
final class Api {

  private static final Duration PING = Duration.ofSeconds(15);
  private static final long SEND_SECONDS = 5;
  private static final int MAX_TRANSPORT = 32;

  private final String fleet;
  private final Registry registry;
  private final Live live;
  private final RecordStore store;
  private final Access access;
  private final Sender sender;
  private final RandomGenerator random;
  private final Supplier<JsonObject> health;

  /** What lives in memory beside the registry. */
  record Live(
      dev.fairlead.computations.liveness.Liveness liveness, Reception reception, Swaps swaps) {}

  Api(
      String fleet,
      Registry registry,
      Live live,
      RecordStore store,
      Access access,
      Sender sender,
      RandomGenerator random,
      Supplier<JsonObject> health) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.live = requireNonNull(live, "live is null");
    this.store = requireNonNull(store, "store is null");
    this.access = requireNonNull(access, "access is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.random = requireNonNull(random, "random is null");
    this.health = requireNonNull(health, "health is null");
  }

  Routes routes() {
    return new Routes()
        .get("/health", told(this::health))
        .get("/computations", told(this::list))
        .get("/computations/{id}", told(this::one))
        .get("/computations/{id}/manifest", told(this::manifest))
        .get("/computations/{id}/books", told(this::books))
        .get("/computations/{id}/logs", told(request -> lines(request, Addresses.LOGS)))
        .get("/computations/{id}/events", told(request -> lines(request, Addresses.EVENTS)))
        .get("/computations/{id}/swap", told(this::swapped))
        .post("/computations/{id}/swap", told(this::swap))
        .post("/computations/{id}/stop", told(this::stop))
        .post("/readers", told(this::reader));
  }

  private Response health(Request request) {
    JsonObject state = health.get();
    return Response.json(state.string("status").equals("fail") ? 503 : 200, state);
  }

  private Response list(Request request) {
    long revision = registry.revision(); // first, so that the list holds all that it covers
    List<JsonObject> found =
        registry.all().stream().map(computation -> head(computation).build()).toList();
    return Response.json(
        JsonObject.builder()
            .put("revision", revision)
            .put("computations", JsonArray.of(found))
            .build());
  }

  private Response one(Request request) {
    Computation computation = find(request);
    String id = computation.id();
    return Response.json(
        head(computation)
            .put("books", Views.books(store.books(id), registry.epochs(id)))
            .put("lines", lineCounts(id))
            .put("runs", JsonArray.of(registry.runs(id).stream().map(Views::run).toList()))
            .build());
  }

  private Response manifest(Request request) {
    Computation computation = find(request);
    byte[] manifest =
        registry.manifest(computation.id()).orElseThrow(() -> Registry.unknown(computation.id()));
    return Response.bytes(200, Response.JSON, manifest)
        .header("X-Fairlead-Digest", computation.run().digest())
        .header("X-Fairlead-Sha256", computation.run().manifestSha256());
  }

  private Response books(Request request) {
    String id = find(request).id();
    return Response.json(
        JsonObject.builder()
            .put("id", id)
            .put("books", Views.books(store.books(id), registry.epochs(id)))
            .put("lines", lineCounts(id))
            .build());
  }

  /** Lines from a number on, and those to come where the client asks to follow. */
  private Response lines(Request request, String stream) {
    String id = find(request).id();
    boolean follow = request.queryFlag("follow");
    long now = store.lines(id, stream);
    long tail = request.queryNumber("tail", -1, 0, Long.MAX_VALUE);
    long from =
        tail < 0
            ? request.queryNumber("from", firstLine(request, id, stream), 1, Long.MAX_VALUE)
            : Math.max(1, now - Math.min(tail, now) + 1);
    return Response.lines(out -> write(out, id, stream, from, follow))
        .header("X-Fairlead-From", Long.toString(from))
        .header("X-Fairlead-Lines", Long.toString(now));
  }

  /** Where the run begins that is asked for; 1 where none is. */
  private long firstLine(Request request, String id, String stream) {
    Optional<String> asked = request.query("run");
    if (asked.isEmpty()) {
      return 1;
    }
    List<Run> runs = registry.runs(id);
    long number =
        asked.get().equals("latest")
            ? runs.size()
            : request.queryNumber("run", 1, 1, Math.max(1, runs.size()));
    Run run = runs.get((int) number - 1);
    return stream.equals(Addresses.LOGS) ? run.firstLogLine() : run.firstEventLine();
  }

  private void write(Response.Lines out, String id, String stream, long from, boolean follow)
      throws java.io.IOException, InterruptedException {
    long next = from;
    while (true) {
      List<byte[]> lines = store.read(id, stream, next);
      for (byte[] line : lines) {
        out.line(shown(line));
      }
      next += lines.size();
      if (lines.isEmpty()) {
        out.flush();
        if (!follow) {
          return;
        }
        if (!store.await(id, stream, next, PING)) {
          out.ping();
        }
      }
    }
  }

  /**
   * A record as it came if it is one JSON object; else its bytes, so that the answer stays JSON.
   */
  private static String shown(byte[] line) {
    try {
      String parsed = Json.parseObject(line, Message.MAX_PAYLOAD).toString();
      // White space between tokens may hold what some readers take for the end of a line.
      return contains(line, '\r') ? parsed : new String(line, UTF_8);
    } catch (ProtocolException e) {
      return JsonObject.builder()
          .put(
              "unreadable",
              JsonObject.builder()
                  .put("code", e.code())
                  .put("hex", HexFormat.of().formatHex(line, 0, Math.min(line.length, 1024)))
                  .put("bytes", line.length)
                  .build())
          .build()
          .toString();
    }
  }

  private static boolean contains(byte[] line, char ascii) {
    for (byte b : line) {
      if (b == ascii) {
        return true;
      }
    }
    return false;
  }

  private Response stop(Request request) {
    String id = find(request).id();
    Command command =
        new Command.Stop(UUID.randomUUID().toString(), "It was asked for at the API.");
    try {
      sender
          .send(new Message(Addresses.ofComputation(fleet, id).commands(), command.toJson()))
          .toCompletableFuture()
          .get(SEND_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TransportException refusal) {
        throw refusal;
      }
      throw new IllegalStateException("The command was not sent.", e);
    } catch (TimeoutException e) {
      throw new HttpProblem(503, "not-sent", "The command was not sent in time: ask again.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HttpProblem(503, "closing", "The service is closing: ask again later.", e);
    }
    return Response.json(
        202, JsonObject.builder().put("id", id).put("command", command.id()).build());
  }

  private Response swap(Request request) {
    String id = find(request).id();
    Swap swap = live.swaps().begin(id, request.json().string("to", MAX_TRANSPORT)).swap();
    return Response.json(
        202, JsonObject.builder().put("id", id).put("swap", Views.swap(swap)).build());
  }

  private Response swapped(Request request) {
    String id = find(request).id();
    return Response.json(
        JsonObject.builder()
            .put("id", id)
            .putIfPresent("swap", live.swaps().newest(id).map(Views::swap).orElse(null))
            .build());
  }

  private Response reader(Request request) {
    JsonObject asked = request.body().length == 0 ? JsonObject.empty() : request.json();
    long seconds =
        asked.optionalInteger("lifetime_s", 1, Duration.ofDays(30).toSeconds()).orElse(3600);
    String name = Long.toUnsignedString(random.nextLong(), 36);
    Credential credential = access.reader(name, Duration.ofSeconds(seconds));
    TransportFact fact = access.transports().get(0);
    return Response.json(
            201,
            JsonObject.builder()
                .put("subject", credential.subject())
                .put("transport", fact.name())
                .put("uri", fact.uri().toString())
                .putIfPresent("ca_sha256", fact.caSha256())
                .put("receives", Addresses.readerReceives(fleet))
                .put("credential", credential.content())
                .put("expires_at", credential.expiresAt().toString())
                .build())
        .header("Cache-Control", "no-store");
  }

  private JsonObject.Builder head(Computation computation) {
    return Views.computation(
        computation,
        live.liveness()
            .view(computation.id())
            .filter(view -> live.liveness().run(computation.id()) == computation.run().number()),
        live.reception().said(computation.id()));
  }

  private JsonObject lineCounts(String id) {
    return JsonObject.builder()
        .put(Addresses.LOGS, store.lines(id, Addresses.LOGS))
        .put(Addresses.EVENTS, store.lines(id, Addresses.EVENTS))
        .build();
  }

  private Computation find(Request request) {
    String id = Addresses.requireId(request.path("id"));
    Optional<Computation> found = registry.find(id);
    return found.orElseThrow(() -> Registry.unknown(id));
  }

  /** Tells the client what went wrong in the words of HTTP. */
  static HttpHandler told(HttpHandler handler) {
    return request -> {
      try {
        return handler.handle(request);
      } catch (ProtocolException e) {
        throw new HttpProblem(
            e.code().equals("too-large") ? 413 : 400, e.code(), String.valueOf(e.getMessage()), e);
      } catch (ComputationException e) {
        throw new HttpProblem(status(e), e.code(), String.valueOf(e.getMessage()), e);
      } catch (TransportException e) {
        int status = e.category() == TransportException.Category.REFUSED ? 409 : 503;
        throw new HttpProblem(status, e.code(), String.valueOf(e.getMessage()), e);
      }
    };
  }

  private static int status(ComputationException e) {
    return switch (e.category()) {
      case RETRY -> 503;
      case BROKEN -> 500;
      case REFUSED ->
          e.code().equals("unknown-computation") || e.code().equals("no-migration") ? 404 : 409;
    };
  }
}
