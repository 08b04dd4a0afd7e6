// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A computation as its owner describes it: a view of the fields that we use, over bytes that are
 * kept as they came, so that whatever else they say stays under the digest. Two shapes are
 * understood, and may be mixed: the elder names artefacts by provider and id, the younger by hash
 * and public key.
 */
public final class Manifest {

  /** The most bytes of a manifest: it must fit an envelope, in base64, in one message. */
  public static final int MAX_BYTES = 640 * 1024;

  private static final int MAX_DATASETS = 1000;
  private static final int MAX_CONSUMERS = 1000;
  private static final int MAX_ARGS = 256;
  private static final int MAX_TEXT = 4096;
  private static final int HASH = 32;

  private final byte[] bytes;
  private final JsonObject json;
  private final String id;
  private final String name;
  private final @Nullable Algorithm algorithm;
  private final List<Dataset> datasets;
  private final List<Consumer> consumers;
  private final @Nullable Duration ttl;
  private final @Nullable Duration timeout;

  /**
   * The code to be run.
   *
   * @param sha3 SHA3-256 of what will be uploaded, in lower-case hex; null where only a provider
   *     and an id are given
   * @param userKey the PKIX form of the public key of who may upload it; null where anybody may
   * @param provider who gives it, by name; null where a key says so
   * @param id the provider's name for it; null where a hash says what it is
   * @param type how it is run: {@code bin} unless given
   * @param args its arguments
   */
  public record Algorithm(
      @Nullable String sha3,
      @Nullable PublicKey userKey,
      @Nullable String provider,
      @Nullable String id,
      String type,
      List<String> args) {}

  /**
   * Data to be worked on.
   *
   * @param sha3 SHA3-256 of what will be uploaded, in lower-case hex; null where only a provider
   *     and an id are given
   * @param userKey the PKIX form of the public key of who may upload it; null where anybody may
   * @param provider who gives it, by name; null where a key says so
   * @param id the provider's name for it; null where a hash says what it is
   * @param filename under which the algorithm finds it, one plain name; null where none is given
   */
  public record Dataset(
      @Nullable String sha3,
      @Nullable PublicKey userKey,
      @Nullable String provider,
      @Nullable String id,
      @Nullable String filename) {}

  /**
   * Who may read the result; one of the two is given.
   *
   * @param name by name, or null
   * @param userKey by the PKIX form of its public key, or null
   */
  public record Consumer(@Nullable String name, @Nullable PublicKey userKey) {}

  /**
   * A public key in its PKIX form.
   *
   * @param base64 as the manifest has it
   */
  public record PublicKey(String base64) {

    private static final int MAX = 8192;

    /**
     * Checks that it is base64.
     *
     * @throws ProtocolException code {@code bad-key}
     */
    public PublicKey {
      if (base64.isEmpty() || base64.length() > MAX) {
        throw bad();
      }
      try {
        Base64.getDecoder().decode(base64);
      } catch (IllegalArgumentException e) {
        throw bad();
      }
    }

    /** A copy of its bytes. */
    public byte[] bytes() {
      return Base64.getDecoder().decode(base64);
    }

    private static ProtocolException bad() {
      return new ProtocolException(
          "bad-key", "A user_key must be base64 of a public key in its PKIX form.");
    }
  }

  private Manifest(byte[] bytes, JsonObject json) {
    this.bytes = bytes;
    this.json = json;
    this.id = Addresses.requireId(json.string("id"));
    this.name = json.optionalString("name").orElse("");
    this.algorithm = algorithm(json);
    this.datasets = datasets(json);
    this.consumers = consumers(json);
    long seconds = json.optionalInteger("ttl", 0, Integer.MAX_VALUE).orElse(0);
    this.ttl = seconds == 0 ? null : Duration.ofSeconds(seconds);
    this.timeout = timeout(json);
  }

  /**
   * Reads a manifest.
   *
   * @param bytes at most {@link #MAX_BYTES}; copied
   * @throws ProtocolException when it is none, with the place and what is expected there
   */
  public static Manifest parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    return new Manifest(bytes.clone(), json);
  }

  /** A copy of the exact bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** The whole document. */
  public JsonObject json() {
    return json;
  }

  /** SHA-256 of the exact bytes, in lower-case hex. */
  public String sha256() {
    return Limits.sha256(bytes);
  }

  /** The owner's id for it; the one under which it runs may have {@code -2}, {@code -3}… added. */
  public String id() {
    return id;
  }

  /** A name for people; may be empty. */
  public String name() {
    return name;
  }

  /** The code to be run; empty where the manifest names none. */
  public Optional<Algorithm> algorithm() {
    return Optional.ofNullable(algorithm);
  }

  /** The data to be worked on, in the manifest's order. */
  public List<Dataset> datasets() {
    return datasets;
  }

  /** Who may read the result. */
  public List<Consumer> consumers() {
    return consumers;
  }

  /** How long the VM may live; empty where the manifest sets no limit. */
  public Optional<Duration> ttl() {
    return Optional.ofNullable(ttl);
  }

  /** How long the algorithm may run; empty where the manifest sets no limit. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** What the manifest says about the agent itself; empty where it says nothing. */
  public Optional<JsonObject> agentConfig() {
    return json.optionalObject("agent_config");
  }

  @Override
  public String toString() {
    return "Manifest[id=%s, sha256=%s]".formatted(id, sha256());
  }

  private static @Nullable Algorithm algorithm(JsonObject json) {
    Optional<JsonObject> one = json.optionalObject("algorithm");
    if (one.isEmpty()) {
      List<JsonObject> several = json.objects("algorithms");
      if (several.size() > 1) {
        throw json.refuse("algorithms", "has more than one: give one algorithm.");
      }
      one = several.stream().findFirst();
    }
    if (one.isEmpty()) {
      return null;
    }
    JsonObject given = one.get();
    List<String> args = given.strings("algo_args");
    if (args.size() > MAX_ARGS) {
      throw given.refuse("algo_args", "has more than %d arguments.".formatted(MAX_ARGS));
    }
    for (String arg : args) {
      if (arg.length() > MAX_TEXT || arg.indexOf('\0') >= 0) {
        throw given.refuse(
            "algo_args", "must not hold NUL, nor more than %d characters.".formatted(MAX_TEXT));
      }
    }
    return new Algorithm(
        hash(given),
        key(given),
        text(given, "provider"),
        text(given, "id"),
        given.optionalString("algo_type").filter(type -> !type.isEmpty()).orElse("bin"),
        args);
  }

  private static List<Dataset> datasets(JsonObject json) {
    List<JsonObject> given = json.objects("datasets");
    if (given.size() > MAX_DATASETS) {
      throw json.refuse("datasets", "has more than %d datasets.".formatted(MAX_DATASETS));
    }
    List<Dataset> datasets = new ArrayList<>(given.size());
    Set<String> filenames = new HashSet<>();
    for (JsonObject one : given) {
      String filename = filename(one);
      if (filename != null && !filenames.add(filename)) {
        throw one.refuse("filename", "is that of an earlier dataset: choose another.");
      }
      datasets.add(
          new Dataset(hash(one), key(one), text(one, "provider"), text(one, "id"), filename));
    }
    return List.copyOf(datasets);
  }

  private static List<Consumer> consumers(JsonObject json) {
    List<Consumer> consumers = new ArrayList<>();
    JsonArray given = json.optionalArray("result_consumers").orElse(JsonArray.of(List.of()));
    if (given.size() > MAX_CONSUMERS) {
      throw json.refuse("result_consumers", "has more than %d consumers.".formatted(MAX_CONSUMERS));
    }
    for (JsonValue one : given) {
      if (one instanceof JsonString string) {
        consumers.add(new Consumer(string.value(), null));
      } else if (one instanceof JsonObject object) {
        consumers.add(new Consumer(null, new PublicKey(object.string("user_key"))));
      } else {
        throw json.refuse("result_consumers", "must hold names, or objects with a user_key.");
      }
    }
    return List.copyOf(consumers);
  }

  private static @Nullable String hash(JsonObject json) {
    Optional<JsonArray> hash = json.optionalArray("hash");
    if (hash.isEmpty() || hash.get().isEmpty()) {
      return null;
    }
    byte[] bytes = hash.get().bytes();
    if (bytes.length != HASH) {
      throw json.refuse("hash", "has %d bytes; a SHA3-256 has %d.".formatted(bytes.length, HASH));
    }
    return HexFormat.of().formatHex(bytes);
  }

  private static @Nullable PublicKey key(JsonObject json) {
    String key = text(json, "user_key");
    return key == null ? null : new PublicKey(key);
  }

  private static @Nullable String text(JsonObject json, String name) {
    String text = json.optionalString(name).orElse("");
    return text.isEmpty() ? null : text;
  }

  private static @Nullable String filename(JsonObject json) {
    String filename = text(json, "filename");
    if (filename == null) {
      return null;
    }
    boolean plain =
        filename.length() <= 255
            && !filename.equals(".")
            && !filename.equals("..")
            && filename.chars().allMatch(c -> c >= ' ' && c != 0x7f && c != '/' && c != '\\');
    if (!plain) {
      throw json.refuse(
          "filename", "must be one plain name: no separator, no control character, not . or ...");
    }
    return filename;
  }

  private static @Nullable Duration timeout(JsonObject json) {
    JsonValue value = json.get("timeout").orElse(null);
    long nanos;
    if (value instanceof JsonNumber number) {
      nanos = number.asLong().orElse(-1);
    } else if (value instanceof JsonString string) {
      nanos = GoDuration.parse(string.value());
    } else {
      if (value != null && value != JsonNull.NULL) {
        throw json.refuse("timeout", "must be nanoseconds, or a duration such as 3m0s.");
      }
      nanos = 0;
    }
    if (nanos < 0) {
      throw json.refuse("timeout", "must be nanoseconds from 0, or a duration such as 3m0s.");
    }
    return nanos == 0 ? null : Duration.ofNanos(nanos);
  }
}
