// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import com.sun.net.httpserver.Headers;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What a client asks; its body has been read. Immutable, as long as nobody changes the body. */
public final class Request {

  private final String method;
  private final Headers headers;
  private final Map<String, String> variables;
  private final Map<String, String> query;
  private final byte[] body;

  Request(String method, URI uri, Headers headers, Map<String, String> variables, byte[] body) {
    this.method = method;
    this.headers = headers;
    this.variables = variables;
    this.query = parseQuery(uri);
    this.body = body;
  }

  /** {@code GET}, {@code POST}… */
  public String method() {
    return method;
  }

  /**
   * What a variable of the path template stands for, percent-decoded. Any text: check it.
   *
   * @throws IllegalArgumentException when the template has no such variable
   */
  public String path(String variable) {
    String value = variables.get(variable);
    if (value == null) {
      throw new IllegalArgumentException("The path template has no variable " + variable);
    }
    return value;
  }

  /** A parameter of the query, decoded; the first where there are several. */
  public Optional<String> query(String name) {
    return Optional.ofNullable(query.get(name));
  }

  /**
   * A parameter that is a whole number.
   *
   * @param absent what counts when it is absent
   * @throws HttpProblem 400 when it is no number, or less than {@code least}, or more than {@code
   *     most}
   */
  public long queryNumber(String name, long absent, long least, long most) {
    String text = query.get(name);
    if (text == null) {
      return absent;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below, with the limits.
    }
    throw new HttpProblem(
        400,
        "bad-query",
        "The parameter '%s' must be a whole number from %d to %d.".formatted(name, least, most));
  }

  /**
   * A parameter that is {@code true} or {@code false}: absent means false, present without a value
   * means true.
   *
   * @throws HttpProblem 400 when it is something else
   */
  public boolean queryFlag(String name) {
    String text = query.get(name);
    if (text == null || text.equals("false")) {
      return false;
    }
    if (text.isEmpty() || text.equals("true")) {
      return true;
    }
    throw new HttpProblem(
        400, "bad-query", "The parameter '%s' must be true or false.".formatted(name));
  }

  /** A header, the first where there are several. */
  public Optional<String> header(String name) {
    return Optional.ofNullable(headers.getFirst(name));
  }

  /** The whole body, of any type; empty where there is none. */
  public byte[] body() {
    return body;
  }

  /**
   * The whole body, which must be declared as JSON.
   *
   * @throws HttpProblem 415 when it is not declared as JSON, 400 when it is empty
   */
  public byte[] jsonBody() {
    String type = header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
    if (!type.contains(Response.JSON)) {
      throw new HttpProblem(
          415, "not-json", "Send the body with the header 'Content-Type: application/json'.");
    }
    if (body.length == 0) {
      throw new HttpProblem(400, "empty-body", "The body is empty; a JSON object is expected.");
    }
    return body;
  }

  /**
   * The body as a JSON object.
   *
   * @throws HttpProblem as {@link #jsonBody}; 400 with the place where it is wrong
   */
  public JsonObject json() {
    try {
      return Json.parseObject(jsonBody(), body.length);
    } catch (ProtocolException e) {
      throw HttpProblem.of(e);
    }
  }

  /**
   * The decoded segments of a path.
   *
   * @throws HttpProblem 400 when it is malformed
   */
  static List<String> segments(URI uri) {
    String raw = uri.getRawPath();
    List<String> segments = new ArrayList<>();
    String path = raw == null || raw.isEmpty() ? "/" : raw;
    for (String segment : path.substring(1).split("/", -1)) {
      segments.add(decode(segment.replace("+", "%2B")));
    }
    return segments;
  }

  private static Map<String, String> parseQuery(URI uri) {
    String raw = uri.getRawQuery();
    if (raw == null || raw.isEmpty()) {
      return Map.of();
    }
    Map<String, String> query = new LinkedHashMap<>();
    for (String pair : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      query.putIfAbsent(name, equals < 0 ? "" : decode(pair.substring(equals + 1)));
    }
    return query;
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new HttpProblem(400, "bad-path", "The path or query is not percent-encoded well.", e);
    }
  }
}
