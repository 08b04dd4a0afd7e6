// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.util.Objects.requireNonNull;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.core.RoleVerifier.Candidate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The datasets that a manifest wants, by number, and those of them that have come. Called by
 * whoever holds the agent's lock.
 */
final class Datasets {

  private final List<ManifestInForce.Dataset> wanted;
  private final Map<Integer, NamedFile> here = new HashMap<>();

  private record NamedFile(String name, Path file) {}

  /** None has come. */
  Datasets(List<ManifestInForce.Dataset> wanted) {
    this.wanted = wanted;
  }

  /** How many are wanted. */
  int wanted() {
    return wanted.size();
  }

  /** How many have come. */
  int received() {
    return here.size();
  }

  /** Whether none is missing. */
  boolean isComplete() {
    return here.size() == wanted.size();
  }

  /** Whether this one has come. */
  boolean has(int number) {
    return here.containsKey(number);
  }

  /** Whether one with these contents has come. */
  boolean hasContents(String sha3) {
    return here.keySet().stream()
        .map(number -> wanted.get(number).candidate())
        .anyMatch(candidate -> candidate != null && candidate.artefact().equals(sha3));
  }

  /** Who may send this one, which is among those that are {@link #meantBy} a name. */
  Candidate candidate(int number) {
    return requireNonNull(wanted.get(number).candidate(), "candidate is null");
  }

  /**
   * The numbers of those that may be sent and meant by a name, likely ones first. What has come is
   * among them, so that who sends it again, since an answer was lost, is told so.
   *
   * @param filename empty where the uploader names none
   */
  List<Integer> meantBy(String filename) {
    List<Integer> toCome = new ArrayList<>();
    List<Integer> come = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      NamedFile taken = here.get(i);
      String name = taken == null ? wanted.get(i).filename() : taken.name();
      boolean named = filename.isEmpty() || name == null || filename.equals(name);
      if (wanted.get(i).candidate() != null && named) {
        (taken == null ? toCome : come).add(i);
      }
    }
    List<Integer> all = new ArrayList<>(filename.isEmpty() ? toCome : come);
    all.addAll(filename.isEmpty() ? come : toCome);
    return all;
  }

  /**
   * The name that the algorithm will see: the manifest's, the uploader's, or one of ours.
   *
   * @param offered by the uploader; may be empty
   * @throws AgentException {@code INVALID} where the offered one cannot be used
   */
  String name(int number, String offered) {
    NamedFile taken = here.get(number);
    if (taken != null) {
      return taken.name();
    }
    String given = wanted.get(number).filename();
    if (given != null) {
      return given;
    }
    if (offered.isEmpty()) {
      return "dataset-" + (number + 1);
    }
    boolean reserved = wanted.stream().anyMatch(dataset -> offered.equals(dataset.filename()));
    if (reserved || isTaken(offered) || !offered.matches("[A-Za-z0-9_][A-Za-z0-9._ -]{0,127}")) {
      throw badFilename();
    }
    return offered;
  }

  private boolean isTaken(String name) {
    return here.values().stream().anyMatch(other -> other.name().equals(name));
  }

  /**
   * Takes one that has come.
   *
   * @throws AgentException where another was faster
   */
  void add(int number, String name, Path file) {
    if (has(number)) {
      throw alreadyHere();
    }
    if (isTaken(name)) {
      throw badFilename();
    }
    here.put(number, new NamedFile(name, file));
  }

  /** Those that have come, by the names that the algorithm will see. */
  SortedMap<String, Path> files() {
    SortedMap<String, Path> files = new TreeMap<>();
    here.values().forEach(dataset -> files.put(dataset.name(), dataset.file()));
    return files;
  }

  /** The refusal of one that has come. */
  static AgentException alreadyHere() {
    return new AgentException(
        Reason.WRONG_STATE,
        "already-here",
        "This dataset has come already: nothing is to be done.");
  }

  private static AgentException badFilename() {
    return new AgentException(
        Reason.INVALID,
        "bad-filename",
        "A dataset's filename must be a plain name of A-Z a-z 0-9 . _ - and blank that no other dataset has.");
  }
}
