// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.http.Request;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command.Inject;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.ArrayList;
import java.util.List;

/** The API of migrations. What each path answers stands in the module's README. */
final class MigrationApi {

  private static final int MOST_INJECTED = 1000;

  private final Migrator migrator;
  private final Registry registry;
  private final RecordStore store;

  MigrationApi(Migrator migrator, Registry registry, RecordStore store) {
    this.migrator = requireNonNull(migrator, "migrator is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.store = requireNonNull(store, "store is null");
  }

  Routes routes(Routes routes) {
    return routes
        .get("/migration", Api.told(request -> Response.json(migrator.status())))
        .get("/migration/report", Api.told(request -> Response.json(report())))
        .post("/migration", Api.told(this::start))
        .post("/migration/advance", Api.told(this::advance))
        .post("/migration/cutover", Api.told(this::cutover))
        .post("/migration/rollback", Api.told(request -> Response.json(migrator.rollback())));
  }

  private Response start(Request request) {
    JsonObject asked = request.json();
    return Response.json(
        201,
        migrator.start(
            asked.string("from", 32),
            asked.string("to", 32),
            (int) asked.integer("percent", Integer.MIN_VALUE, Integer.MAX_VALUE),
            asked.optionalBool("shadow").orElse(false),
            asked.optionalObject("inject").map(Inject::parse).orElse(Inject.NONE)));
  }

  private Response advance(Request request) {
    long percent =
        body(request).optionalInteger("percent", Integer.MIN_VALUE, Integer.MAX_VALUE).orElse(0);
    return Response.json(migrator.advance((int) percent));
  }

  private Response cutover(Request request) {
    return Response.json(migrator.cutover(body(request).optionalBool("force").orElse(false)));
  }

  private static JsonObject body(Request request) {
    return request.body().length == 0 ? JsonObject.empty() : request.json();
  }

  private JsonObject report() {
    JsonObject report = migrator.report();
    JsonObject.Builder whole = JsonObject.builder();
    report.fields().forEach(whole::put);
    if (Inject.parse(report.object("inject")).isNone()) {
      return whole.build();
    }
    int number = (int) report.integer("migration", 1, Integer.MAX_VALUE);
    return whole.put("injected", JsonArray.of(injected(number))).build();
  }

  /** The defects that agents say they have made in their copies, as findings would name them. */
  private List<JsonObject> injected(int migration) {
    List<JsonObject> found = new ArrayList<>();
    for (Computation computation : registry.all()) {
      String id = computation.id();
      long next = 1;
      List<byte[]> lines = store.read(id, Addresses.EVENTS, next);
      while (!lines.isEmpty() && found.size() < MOST_INJECTED) {
        for (byte[] line : lines) {
          note(id, line, migration, found);
        }
        next += lines.size();
        lines = store.read(id, Addresses.EVENTS, next);
      }
    }
    return found;
  }

  private static void note(String id, byte[] line, int migration, List<JsonObject> found) {
    try {
      Event event = Event.parse(line);
      if (!event.type().equals("Copies") || !event.status().equals("Injected")) {
        return;
      }
      JsonObject details = event.details();
      if (details.string("command").startsWith(Migrator.orderOf(migration))) {
        found.add(
            JsonObject.builder()
                .put("kind", details.string("kind"))
                .put("computation", id)
                .put("stream", details.string("stream"))
                .put("number", details.integer("number", 1, Long.MAX_VALUE))
                .build());
      }
    } catch (ProtocolException e) {
      // Whoever may say what it likes may also say this wrongly: it is then no defect that is told.
      return;
    }
  }
}
