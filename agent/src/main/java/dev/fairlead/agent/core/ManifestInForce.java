// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.core.RoleVerifier.Candidate;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A manifest whose keys have been read.
 *
 * @param sha256 of its exact bytes, in lower-case hex
 * @param algorithm null where the manifest has none that could be uploaded
 * @param datasets in the manifest's order
 * @param consumers keys of who may take the result
 */
record ManifestInForce(
    Manifest manifest,
    String sha256,
    @Nullable Candidate algorithm,
    List<Dataset> datasets,
    List<PublicKey> consumers) {

  ManifestInForce {
    datasets = List.copyOf(datasets);
    consumers = List.copyOf(consumers);
  }

  /**
   * A dataset that is waited for.
   *
   * @param filename null where the uploader names it
   * @param candidate null where the manifest gives no digest, so that it cannot be uploaded
   */
  record Dataset(@Nullable String filename, @Nullable Candidate candidate) {}

  /**
   * Reads all keys.
   *
   * @throws ProtocolException code {@code bad-key}
   */
  static ManifestInForce of(Manifest manifest) {
    Candidate algorithm =
        manifest.algorithm().map(a -> candidate(a.sha3(), a.userKey())).orElse(null);
    List<Dataset> datasets = new ArrayList<>();
    for (Manifest.Dataset dataset : manifest.datasets()) {
      datasets.add(new Dataset(dataset.filename(), candidate(dataset.sha3(), dataset.userKey())));
    }
    List<PublicKey> consumers = new ArrayList<>();
    for (Manifest.Consumer consumer : manifest.consumers()) {
      Manifest.PublicKey key = consumer.userKey();
      if (key != null) {
        consumers.add(PublicKeys.parse(key.bytes()));
      }
    }
    return new ManifestInForce(manifest, manifest.sha256(), algorithm, datasets, consumers);
  }

  /** How the algorithm is run: what the manifest says goes before what the uploader says. */
  AlgorithmParameters parameters(AlgorithmParameters offered) {
    Manifest.Algorithm given = manifest.algorithm().orElseThrow();
    JsonObject json = manifest.json().optionalObject("algorithm").orElse(JsonObject.empty());
    return new AlgorithmParameters(
        json.has("algo_type") ? given.type() : offered.kind(),
        json.has("algo_args") ? given.args() : offered.arguments());
  }

  /** Who may take a result. */
  List<Candidate> readers(String artefact) {
    return consumers.stream().map(key -> new Candidate(artefact, key)).toList();
  }

  private static @Nullable Candidate candidate(
      @Nullable String sha3, Manifest.@Nullable PublicKey key) {
    PublicKey parsed = key == null ? null : PublicKeys.parse(key.bytes());
    return sha3 == null ? null : new Candidate(sha3, parsed);
  }
}
