// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a process of a run is told: {@code name=value}, separated by white space, in a file.
 *
 * @param all by name
 */
public record Words(Map<String, String> all) {

  /** Name of the transport. */
  public static final String TRANSPORT = "rig.transport";

  /**
   * Names of several transports, joined by commas; what is said of one then has its name behind a
   * dot: {@code rig.endpoint.nats}.
   */
  public static final String TRANSPORTS = "rig.transports";

  /** Where to connect, a URI. */
  public static final String ENDPOINT = "rig.endpoint";

  /** SHA-256 of the CA to trust; absent where there is none. */
  public static final String CA = "rig.ca";

  /** File with the credential. */
  public static final String CREDENTIAL_FILE = "rig.credential.file";

  /** First segment of all addresses. */
  public static final String FLEET = "rig.fleet";

  /** Whose lines they are. */
  public static final String COMPUTATION = "rig.computation";

  /** Folder for what the process keeps. */
  public static final String FOLDER = "rig.folder";

  /** Folder of its {@link Status}. */
  public static final String STATUS = "rig.status";

  /** Socket of the ledger. */
  public static final String LEDGER = "rig.ledger";

  /** From which lines follow. */
  public static final String SEED = "rig.seed";

  /** Number of this run of the process, from 1. */
  public static final String RUN = "rig.run";

  /** Records a second. */
  public static final String RATE = "rig.rate";

  /** How long it may take to drain, in s. */
  public static final String DRAIN_SECONDS = "rig.drain.seconds";

  /** The level at which records are forgotten. */
  public static final String FORGET = "rig.forget";

  /** A planted fault. */
  public static final String PLANT = "rig.plant";

  /** Keeps its own copy. */
  public Words {
    all = Map.copyOf(all);
  }

  /** Reads a file. */
  public static Words read(Path file) throws IOException {
    Map<String, String> found = new HashMap<>();
    for (String word : Files.readString(file, US_ASCII).split("\\s+", -1)) {
      int equals = word.indexOf('=');
      if (equals > 0) {
        found.put(word.substring(0, equals), word.substring(equals + 1));
      }
    }
    return new Words(found);
  }

  /** Writes a file. */
  public static void write(Path file, SortedMap<String, String> words) throws IOException {
    Files.writeString(
        file,
        words.entrySet().stream()
            .map(word -> word.getKey() + "=" + word.getValue())
            .collect(Collectors.joining("\n", "", "\n")),
        US_ASCII);
  }

  /** What a word says; null where it is absent. */
  public @Nullable String find(String name) {
    return all.get(name);
  }

  /**
   * What a word says.
   *
   * @throws IllegalArgumentException where it is absent
   */
  public String get(String name) {
    String value = all.get(name);
    if (value == null) {
      throw new IllegalArgumentException("The word " + name + " is missing.");
    }
    return value;
  }

  /** The same as a number. */
  public long number(String name) {
    return Long.parseLong(get(name));
  }

  /** The same as a path. */
  public Path path(String name) {
    return Path.of(get(name));
  }
}
