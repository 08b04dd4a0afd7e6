// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a process of a run is told: {@code name=value}, separated by white space, in a file. */
record Words(Map<String, String> all) {

  static final String TRANSPORT = "chaos.transport";
  static final String ENDPOINT = "chaos.endpoint";
  static final String CA = "chaos.ca";
  static final String CREDENTIAL_FILE = "chaos.credential.file";
  static final String FLEET = "chaos.fleet";
  static final String COMPUTATION = "chaos.computation";
  static final String FOLDER = "chaos.folder";
  static final String STATUS = "chaos.status";
  static final String LEDGER = "chaos.ledger";
  static final String SEED = "chaos.seed";
  static final String RUN = "chaos.run";
  static final String RATE = "chaos.rate";
  static final String DRAIN_SECONDS = "chaos.drain.seconds";
  static final String FORGET = "chaos.forget";
  static final String PLANT = "chaos.plant";

  Words {
    all = Map.copyOf(all);
  }

  static Words read(Path file) throws IOException {
    Map<String, String> found = new HashMap<>();
    for (String word : Files.readString(file, US_ASCII).split("\\s+", -1)) {
      int equals = word.indexOf('=');
      if (equals > 0) {
        found.put(word.substring(0, equals), word.substring(equals + 1));
      }
    }
    return new Words(found);
  }

  static void write(Path file, SortedMap<String, String> words) throws IOException {
    Files.writeString(
        file,
        words.entrySet().stream()
            .map(word -> word.getKey() + "=" + word.getValue())
            .collect(Collectors.joining("\n", "", "\n")),
        US_ASCII);
  }

  @Nullable String find(String name) {
    return all.get(name);
  }

  String get(String name) {
    String value = all.get(name);
    if (value == null) {
      throw new IllegalArgumentException("The word " + name + " is missing.");
    }
    return value;
  }

  long number(String name) {
    return Long.parseLong(get(name));
  }

  Path path(String name) {
    return Path.of(get(name));
  }
}
