// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an agent asks and says of its bundles, after a {@link Command.Bundle} or {@link
 * Command.Bundles}. It goes to {@link Addresses#bundles()} as a request, again until it is answered
 * at {@link Addresses#replies()}: a piece with its bytes as they are, and with none where the
 * change is not under way any more; all else with an empty payload.
 */
public sealed interface BundleRequest {

  /** The most bytes that a request may have on the wire. */
  int MAX_BYTES = 16 * 1024;

  /** Bytes of each piece but the last, which has what is left. */
  int PIECE = 256 * 1024;

  /** The command that it is about; 1 to 64 characters. */
  String command();

  /** Its JSON in UTF-8. */
  byte[] toJson();

  /**
   * Asks for a piece of the jar.
   *
   * @param offset of its first byte, a multiple of {@link #PIECE}
   */
  record Piece(String command, long offset) implements BundleRequest {

    /** Checks limits. */
    public Piece {
      Limits.requireText("command", command, Limits.MAX_WORD);
      if (offset < 0 || offset >= Command.Bundle.MAX_SIZE || offset % PIECE != 0) {
        throw new ProtocolException("bad-field", "A piece begins at a multiple of " + PIECE + ".");
      }
    }

    /** How many bytes the piece has, of a jar of some size; 0 beyond its end. */
    public int length(long size) {
      return (int) Math.max(0, Math.min(PIECE, size - offset));
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "piece")
          .put("command", command)
          .put("offset", offset)
          .build()
          .toBytes();
    }
  }

  /**
   * Says what became of a change.
   *
   * @param done whether the new version runs; else the old one does
   * @param code why not; null when it is done
   * @param message the same for a person, at most 512 characters; null when it is done
   * @param from the version that ran before; null where it is not known
   * @param othersRefreshed how many other bundles lost their wiring meanwhile
   * @param millis how long it took, fetching included
   */
  record Outcome(
      String command,
      boolean done,
      @Nullable String code,
      @Nullable String message,
      @Nullable String from,
      int othersRefreshed,
      long millis)
      implements BundleRequest {

    private static final int MAX_MESSAGE = 512;
    private static final int MAX_OTHERS = 10_000;

    /** Checks limits; cuts what is too long for a message. */
    public Outcome {
      Limits.requireText("command", command, Limits.MAX_WORD);
      if (done != (code == null)) {
        throw new ProtocolException("bad-field", "What is not done has a code, and nothing else.");
      }
      if (code != null) {
        Limits.requireText("code", code, Limits.MAX_WORD);
      }
      if (message != null && message.length() > MAX_MESSAGE) {
        message = message.substring(0, MAX_MESSAGE);
      }
      if (from != null) {
        Limits.requireVersion(from);
      }
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "outcome")
          .put("command", command)
          .put("done", done)
          .putIfPresent("code", code)
          .putIfPresent("message", message)
          .putIfPresent("from", from)
          .put("others_refreshed", othersRefreshed)
          .put("millis", millis)
          .build()
          .toBytes();
    }

    private static Outcome parse(JsonObject json) {
      return new Outcome(
          json.string("command"),
          json.bool("done"),
          json.optionalString("code").orElse(null),
          json.optionalString("message").orElse(null),
          json.optionalString("from").orElse(null),
          (int) json.integer("others_refreshed", 0, MAX_OTHERS),
          json.integer("millis", 0, Long.MAX_VALUE));
    }
  }

  /**
   * Says which transports' bundles are there.
   *
   * @param bundles at most 32
   */
  record Listing(String command, List<Standing> bundles) implements BundleRequest {

    private static final int MAX_BUNDLES = 32;

    /**
     * A transport's bundle.
     *
     * @param state {@code active}, {@code resolved}…
     */
    public record Standing(String bundle, String version, String state) {

      /** Checks limits. */
      public Standing {
        Limits.requireBundle(bundle);
        Limits.requireVersion(version);
        Limits.requireText("state", state, Limits.MAX_WORD);
      }

      /** Its JSON. */
      public JsonObject toJson() {
        return JsonObject.builder()
            .put("bundle", bundle)
            .put("version", version)
            .put("state", state)
            .build();
      }
    }

    /** Checks limits. */
    public Listing {
      Limits.requireText("command", command, Limits.MAX_WORD);
      bundles = List.copyOf(bundles);
      if (bundles.size() > MAX_BUNDLES) {
        throw new ProtocolException("bad-field", "A listing has at most 32 bundles.");
      }
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "listing")
          .put("command", command)
          .put("bundles", JsonArray.of(bundles.stream().map(Standing::toJson).toList()))
          .build()
          .toBytes();
    }

    private static Listing parse(JsonObject json) {
      return new Listing(
          json.string("command"),
          json.objects("bundles").stream()
              .limit(MAX_BUNDLES + 1L)
              .map(
                  one ->
                      new Standing(
                          one.string("bundle"), one.string("version"), one.string("state")))
              .toList());
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none, code {@code unknown-op} when we do not know what it
   *     is
   */
  static BundleRequest parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    return switch (json.string("op", Limits.MAX_WORD)) {
      case "piece" ->
          new Piece(
              json.string("command"), json.integer("offset", 0, Command.Bundle.MAX_SIZE - 1L));
      case "outcome" -> Outcome.parse(json);
      case "listing" -> Listing.parse(json);
      default ->
          throw new ProtocolException(
              "unknown-op", "Of bundles, an op is piece, outcome or listing; this one is none.");
    };
  }
}
