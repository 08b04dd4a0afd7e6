// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.protocol.json.JsonObject;
import java.util.List;

/**
 * What was done to a bundle, or would be.
 *
 * @param bundle its symbolic name
 * @param from the version that ran
 * @param to the version that runs now, or would
 * @param sha256 of the new jar
 * @param closure the bundles that the change refreshes, as {@code name version}: the old one alone
 * @param done false for a dry run
 * @param links how many holders of links were asked to open them anew
 * @param othersRefreshed how many other bundles lost their wiring meanwhile: 0
 * @param millis how long it took
 */
public record Change(
    String bundle,
    String from,
    String to,
    String sha256,
    List<String> closure,
    boolean done,
    int links,
    int othersRefreshed,
    long millis) {

  /** Copies the list. */
  public Change {
    closure = List.copyOf(closure);
  }

  /** As the API tells it. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("bundle", bundle)
        .put("from", from)
        .put("to", to)
        .put("sha256", sha256)
        .put("closure", closure)
        .put("done", done)
        .put("links", links)
        .put("otherBundlesRefreshed", othersRefreshed)
        .put("millis", millis)
        .build();
  }
}
