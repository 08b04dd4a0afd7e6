// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Instant;
import java.util.List;

/**
 * What a VM needs to be let in: the answer to {@code register} and {@code renew}.
 *
 * @param computation the id it was given: the wanted one, or that with {@code -2}, {@code -3}…
 * @param digest of the manifest as {@link ComputationDigest} makes it
 * @param transports where it may connect, the first one to be used first; 1 to 8
 * @param credential a secret for the first transport; its text form hides it
 * @param credentialExpiresAt when that ends by itself
 */
public record Registration(
    String computation,
    String digest,
    List<TransportFact> transports,
    String credential,
    Instant credentialExpiresAt) {

  private static final int MAX_TRANSPORTS = 8;

  /** Checks limits. */
  public Registration {
    Addresses.requireId(computation);
    Limits.requireSha256("digest", digest);
    transports = List.copyOf(transports);
    Limits.requireText("credential", credential, 4096);
    requireNonNull(credentialExpiresAt, "credentialExpiresAt is null");
    if (transports.isEmpty() || transports.size() > MAX_TRANSPORTS) {
      throw new ProtocolException(
          "bad-field", "There must be 1 to %d transports.".formatted(MAX_TRANSPORTS));
    }
  }

  /**
   * Reads one from a reply.
   *
   * @throws ProtocolException when it is none
   */
  public static Registration parse(JsonObject json) {
    return new Registration(
        json.string("computation"),
        json.string("digest"),
        json.array("transports").objects().stream().map(TransportFact::parse).toList(),
        json.string("credential", 4096),
        Timestamps.read(json, "credentialExpiresAt"));
  }

  /** Its JSON. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("computation", computation)
        .put("digest", digest)
        .put("transports", JsonArray.of(transports.stream().map(TransportFact::toJson).toList()))
        .put("credential", credential)
        .put("credentialExpiresAt", credentialExpiresAt.toString())
        .build();
  }

  @Override
  public String toString() {
    return "Registration[computation=%s, digest=%s, transports=%s, credentialExpiresAt=%s]"
        .formatted(computation, digest, transports, credentialExpiresAt);
  }
}
