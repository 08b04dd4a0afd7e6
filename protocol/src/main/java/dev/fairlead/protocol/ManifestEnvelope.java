// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A manifest on its way to the agent: the very bytes that the owner gave, for whom, and their
 * digest. The id inside the manifest is the owner's own: {@code 123-2} may carry {@code 123}.
 */
public final class ManifestEnvelope {

  /** The most bytes that an envelope may have on the wire. */
  public static final int MAX_BYTES = 960 * 1024;

  private final String computation;
  private final byte[] manifest;
  private final String sha256;

  /**
   * Puts a manifest into its envelope.
   *
   * @param computation for whom it is
   * @param manifest at most {@link Manifest#MAX_BYTES}; copied
   */
  public ManifestEnvelope(String computation, byte[] manifest) {
    this.computation = Addresses.requireId(computation);
    this.manifest = Limits.requireLength(manifest, Manifest.MAX_BYTES).clone();
    this.sha256 = Limits.sha256(manifest);
  }

  /**
   * Opens an envelope.
   *
   * @throws ProtocolException when it is none, or the digest is not that of the bytes
   */
  public static ManifestEnvelope parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    ManifestEnvelope envelope =
        new ManifestEnvelope(json.string("computation"), Limits.base64(json, "manifest"));
    if (!envelope.sha256.equals(json.string("sha256"))) {
      throw new ProtocolException(
          "digest-mismatch", "The manifest's bytes are not those whose digest the envelope names.");
    }
    return envelope;
  }

  /** For whom it is. */
  public String computation() {
    return computation;
  }

  /** A copy of the manifest's exact bytes. */
  public byte[] manifest() {
    return manifest.clone();
  }

  /** SHA-256 of the manifest's exact bytes, in lower-case hex. */
  public String sha256() {
    return sha256;
  }

  /** Its JSON in UTF-8. */
  public byte[] toJson() {
    return JsonObject.builder()
        .put("computation", computation)
        .put("sha256", sha256)
        .put("manifest", Base64.getEncoder().encodeToString(manifest))
        .build()
        .toBytes();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ManifestEnvelope envelope
        && computation.equals(envelope.computation)
        && Arrays.equals(manifest, envelope.manifest);
  }

  @Override
  public int hashCode() {
    return Objects.hash(computation, sha256);
  }

  @Override
  public String toString() {
    return "ManifestEnvelope[computation=%s, sha256=%s]".formatted(computation, sha256);
  }
}
