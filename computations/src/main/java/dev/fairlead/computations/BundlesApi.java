// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.Request;
import dev.fairlead.http.Response;
import dev.fairlead.http.Routes;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;

/** The API of agents' bundles. What each path answers stands in the module's README. */
final class BundlesApi {

  private final GuestBundles bundles;

  BundlesApi(GuestBundles bundles) {
    this.bundles = requireNonNull(bundles, "bundles is null");
  }

  Routes routes(Routes routes) {
    return routes
        .get("/computations/{id}/bundles", Api.told(this::list))
        .post("/computations/{id}/bundles", Api.told(this::update))
        .get("/computations/{id}/bundles/change", Api.told(this::change));
  }

  private Response list(Request request) {
    String id = id(request);
    try {
      return Response.json(
          JsonObject.builder()
              .put("id", id)
              .put("bundles", JsonArray.of(bundles.list(id)))
              .build());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HttpProblem(503, "closing", "The service is closing: ask again later.", e);
    }
  }

  private Response update(Request request) {
    String id = id(request);
    JsonObject change =
        bundles.begin(
            id,
            query(request, "bundle"),
            query(request, "version"),
            query(request, "sha256"),
            request.body());
    return Response.json(202, answer(id).put("change", change).build());
  }

  private Response change(Request request) {
    String id = id(request);
    return Response.json(
        answer(id).putIfPresent("change", bundles.newest(id).orElse(null)).build());
  }

  private static JsonObject.Builder answer(String id) {
    return JsonObject.builder().put("id", id);
  }

  private static String id(Request request) {
    return Addresses.requireId(request.path("id"));
  }

  private static String query(Request request, String name) {
    return request
        .query(name)
        .orElseThrow(
            () ->
                new HttpProblem(
                    400, "bad-query", "The parameter '%s' is missing.".formatted(name)));
  }
}
