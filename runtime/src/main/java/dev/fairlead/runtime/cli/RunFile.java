// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code fairlead run} is given: a computation's fields, and the files of its algorithm and
 * datasets, relative to the file itself. Hashes and keys are filled in.
 *
 * <pre>
 * { "computation": { "id": "sum", "name": "…", "ttl": 900, "timeout": "5m0s" },
 *   "algorithm": { "file": "algorithm.sh", "kind": "bin", "args": [] },
 *   "datasets": [ { "file": "numbers.txt" } ] }
 * </pre>
 *
 * @param computation fields that go into the manifest as they are
 * @param kind the algorithm's kind
 */
record RunFile(
    JsonObject computation,
    Path algorithm,
    String kind,
    List<String> arguments,
    List<Path> datasets) {

  private static final int MAX_BYTES = 1 << 20;

  static RunFile read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new CommandFailure(ExitCode.NOT_FOUND, "There is no file " + file + ".");
    }
    JsonObject json;
    try (InputStream in = Files.newInputStream(file)) {
      json = Json.parseObject(in.readNBytes(MAX_BYTES + 1), MAX_BYTES);
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new CommandFailure(ExitCode.USAGE, file + " lies in no folder.");
    }
    JsonObject algorithm = json.object("algorithm");
    List<Path> datasets = new ArrayList<>();
    for (JsonObject dataset : json.objects("datasets")) {
      datasets.add(existing(folder.resolve(dataset.string("file"))));
    }
    return new RunFile(
        json.object("computation"),
        existing(folder.resolve(algorithm.string("file"))),
        algorithm.optionalString("kind").orElse("bin"),
        algorithm.optionalArray("args").map(JsonArray::strings).orElse(List.of()),
        datasets);
  }

  private static Path existing(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CommandFailure(ExitCode.NOT_FOUND, "There is no file " + file + ".");
    }
    return file;
  }

  /** The manifest: what the agent holds every upload and every reader against. */
  JsonObject manifest(RoleKeys keys) throws IOException {
    JsonObject.Builder manifest = JsonObject.builder();
    computation.fields().forEach(manifest::put);
    manifest.put(
        "algorithm",
        JsonObject.builder()
            .put("hash", hash(algorithm))
            .put("user_key", new JsonString(keys.open(RoleKeys.Role.ALGORITHM)))
            .put("algo_type", new JsonString(kind))
            .put("algo_args", JsonArray.ofStrings(arguments))
            .build());
    List<JsonValue> data = new ArrayList<>();
    for (Path dataset : datasets) {
      data.add(
          JsonObject.builder()
              .put("hash", hash(dataset))
              .put("user_key", new JsonString(keys.open(RoleKeys.Role.DATA)))
              .put("filename", new JsonString(String.valueOf(dataset.getFileName())))
              .build());
    }
    manifest.put("datasets", JsonArray.of(data));
    manifest.put(
        "result_consumers",
        JsonArray.of(
            List.of(
                JsonObject.builder()
                    .put("user_key", new JsonString(keys.open(RoleKeys.Role.CONSUMER)))
                    .build())));
    return manifest.build();
  }

  /** SHA3-256 of a file, as the array of numbers that manifests hold. */
  private static JsonArray hash(Path file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA3-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Java 17 has SHA3-256.", e);
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    List<JsonValue> numbers = new ArrayList<>();
    for (byte b : digest.digest()) {
      numbers.add(JsonNumber.of(b & 0xff));
    }
    return JsonArray.of(numbers);
  }
}
