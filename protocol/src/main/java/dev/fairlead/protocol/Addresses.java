// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.ProtocolException;
import java.util.List;
import java.util.Optional;

/**
 * The address plan: who sends where. An address is {@code <fleet>/<party>/up/…} or {@code
 * …/down/…}; a party is a computation's id, {@code _host-<instance>} for a manager, or {@code
 * _collector}. Patterns use {@code *} for one segment and {@code **} for all that follow.
 *
 * @param fleet the first segment of every address
 * @param party the second
 */
public record Addresses(String fleet, String party) {

  /** Stream of state changes; goes before the logs. */
  public static final String EVENTS = "events";

  /** Stream of the computation's lines. */
  public static final String LOGS = "logs";

  private static final int MAX_SEGMENT = 64;
  private static final String HOST = "_host-";

  /** Checks both segments. */
  public Addresses {
    requireSegment("fleet", fleet);
    requireSegment("party", party);
  }

  /**
   * The addresses of a computation.
   *
   * @throws ProtocolException when a part is no segment, or the id begins with {@code _}
   */
  public static Addresses ofComputation(String fleet, String computation) {
    return new Addresses(fleet, requireId(computation));
  }

  /** The addresses of a manager. */
  public static Addresses ofHost(String fleet, String instance) {
    return new Addresses(fleet, HOST + instance);
  }

  /** The addresses of the service that collects. */
  public static Addresses ofCollector(String fleet) {
    return new Addresses(fleet, "_collector");
  }

  /**
   * The sender's addresses, from any address below them; empty when it does not follow the plan.
   */
  public static Optional<Addresses> parse(String address) {
    String[] segments = address.split("/", -1);
    if (segments.length < 4
        || !(segments[2].equals("up") || segments[2].equals("down"))
        || !isSegment(segments[0])
        || !isSegment(segments[1])) {
      return Optional.empty();
    }
    return Optional.of(new Addresses(segments[0], segments[1]));
  }

  /** Whether a text may be a segment of an address. */
  public static boolean isSegment(String text) {
    int length = text.length();
    if (length < 1 || length > MAX_SEGMENT) {
      return false;
    }
    // By hand: each log record asks, and a matcher takes longer than to encode its text.
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      boolean fits =
          (c >= 'a' && c <= 'z')
              || (c >= '0' && c <= '9')
              || (c >= 'A' && c <= 'Z')
              || c == '-'
              || c == '_';
      if (!fits) {
        return false;
      }
    }
    return true;
  }

  /** Whether a text may be a computation's id. */
  public static boolean isId(String text) {
    return isSegment(text) && text.charAt(0) != '_';
  }

  /**
   * The computation's id, if it may be one.
   *
   * @throws ProtocolException code {@code bad-id}
   */
  public static String requireId(String id) {
    if (!isId(id)) {
      throw new ProtocolException(
          "bad-id",
          "The id must be 1 to 64 of A-Z a-z 0-9 _ - and must not begin with _: choose another.");
    }
    return id;
  }

  /** Whether the party is a manager. */
  public boolean isHost() {
    return party.startsWith(HOST);
  }

  /** Whether the party is a computation. */
  public boolean isComputation() {
    return isId(party);
  }

  /** Greetings of an agent or manager that has connected. */
  public String hello() {
    return up("hello");
  }

  /** Signs of life. */
  public String heartbeat() {
    return up("heartbeat");
  }

  /** Where its connection's loss is told, as its last will. */
  public String lost() {
    return up("lost");
  }

  /** Batches of a stream: {@link #EVENTS}, {@link #LOGS}. */
  public String stream(String name) {
    return up(name);
  }

  /** Acknowledgements of a stream. */
  public String acks(String name) {
    return down("acks/" + name);
  }

  /** Requests of a manager to the registry. */
  public String requests() {
    return up("requests");
  }

  /** What an agent asks and says of bundles: a {@link BundleRequest}. */
  public String bundles() {
    return up("bundles");
  }

  /** The manifest in its envelope. */
  public String manifest() {
    return down("manifest");
  }

  /** Commands to this party. */
  public String commands() {
    return down("commands");
  }

  /** Answers to this party. */
  public String replies() {
    return down("replies");
  }

  /** Any address that this party sends to. */
  public String up(String rest) {
    return fleet + "/" + party + "/up/" + rest;
  }

  /** Any address that this party receives. */
  public String down(String rest) {
    return fleet + "/" + party + "/down/" + rest;
  }

  /** Pattern of one thing that every party sends: {@code fleet/*}{@code /up/hello}. */
  public static String everyUp(String fleet, String rest) {
    return fleet + "/*/up/" + rest;
  }

  /** What this party may send to. Replies stand first in {@link #receives()}. */
  public List<String> sends() {
    return switch (role()) {
      case COLLECTOR -> List.of(fleet + "/*/down/**");
      case HOST, COMPUTATION -> List.of(up("**"));
    };
  }

  /** What this party may receive; the first pattern covers its replies. */
  public List<String> receives() {
    return switch (role()) {
      case COLLECTOR -> List.of(down("**"), fleet + "/*/up/**");
      case HOST -> List.of(down("**"), everyUp(fleet, "hello"));
      case COMPUTATION -> List.of(down("**"));
    };
  }

  /** What a mere reader may receive; it may send nothing. */
  public static List<String> readerReceives(String fleet) {
    requireSegment("fleet", fleet);
    return List.of(fleet + "/*/up/**");
  }

  private enum Role {
    COMPUTATION,
    HOST,
    COLLECTOR
  }

  private Role role() {
    if (isHost()) {
      return Role.HOST;
    }
    return party.equals("_collector") ? Role.COLLECTOR : Role.COMPUTATION;
  }

  static void requireSegment(String what, String text) {
    if (!isSegment(text)) {
      throw new ProtocolException(
          "bad-" + what, "The %s must be 1 to 64 of A-Z a-z 0-9 _ -.".formatted(what));
    }
  }
}
