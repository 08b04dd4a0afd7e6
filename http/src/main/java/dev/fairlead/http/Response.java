// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What goes back to a client: a whole body, or lines as they come. Immutable. */
public final class Response {

  /** Writes lines until it has no more, the client leaves, or the server closes. */
  @FunctionalInterface
  public interface LineSource {

    /**
     * Called once, in a thread of its own, which is interrupted when the server closes. To return
     * is to end the answer.
     *
     * @throws IOException as {@link Lines} throws it: the client has left
     * @throws InterruptedException when the server closes
     */
    void writeTo(Lines lines) throws IOException, InterruptedException;
  }

  /** Where lines go. Used by one thread. */
  public interface Lines {

    /**
     * Writes a line.
     *
     * @param json without line feeds
     * @throws IOException when the client has left
     */
    void line(String json) throws IOException;

    /**
     * Writes a line.
     *
     * @param json UTF-8, without line feeds
     * @throws IOException when the client has left
     */
    void line(byte[] json) throws IOException;

    /**
     * Hands over what was written so far.
     *
     * @throws IOException when the client has left
     */
    void flush() throws IOException;

    /**
     * Writes an empty line, which readers skip, and flushes: the only way to learn, in silence,
     * that a client has left. Once every 15 s or so.
     *
     * @throws IOException when the client has left
     */
    void ping() throws IOException;
  }

  /** The media type of JSON. */
  public static final String JSON = "application/json";

  /** The media type of newline-delimited JSON. */
  public static final String NDJSON = "application/x-ndjson";

  private final int status;
  private final Map<String, String> headers;
  private final byte[] body;
  private final @Nullable InputStream stream;
  private final long streamLength;
  private final @Nullable LineSource lines;

  private Response(
      int status,
      Map<String, String> headers,
      byte[] body,
      @Nullable InputStream stream,
      long streamLength,
      @Nullable LineSource lines) {
    this.status = status;
    this.headers = Map.copyOf(headers);
    this.body = body;
    this.stream = stream;
    this.streamLength = streamLength;
    this.lines = lines;
  }

  /** 200 with JSON. */
  public static Response json(String json) {
    return json(200, json);
  }

  /** JSON with a status. */
  public static Response json(int status, String json) {
    return bytes(status, JSON, json.getBytes(UTF_8));
  }

  /** 200 with a JSON value. */
  public static Response json(JsonValue json) {
    return json(200, json);
  }

  /** A JSON value with a status. */
  public static Response json(int status, JsonValue json) {
    return bytes(status, JSON, Json.writeBytes(json));
  }

  /** A whole body, which the caller changes no more. */
  public static Response bytes(int status, String contentType, byte[] body) {
    return new Response(status, Map.of("Content-Type", contentType), body, null, 0, null);
  }

  /** 200 with a body that is read while it is sent, then closed. */
  public static Response stream(String contentType, InputStream body, long length) {
    return new Response(
        200, Map.of("Content-Type", contentType), new byte[0], requireNonNull(body), length, null);
  }

  /** A status alone: 204 for example. */
  public static Response empty(int status) {
    return new Response(status, Map.of(), new byte[0], null, 0, null);
  }

  /**
   * 200 with newline-delimited JSON, as it comes. Runs in a thread of its own; where too many
   * clients follow already, the client gets 503 instead and the source is not called.
   */
  public static Response lines(LineSource source) {
    return new Response(
        200, Map.of("Content-Type", NDJSON), new byte[0], null, 0, requireNonNull(source));
  }

  /** The same with one more header. */
  public Response header(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new Response(status, more, body, stream, streamLength, lines);
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  byte[] body() {
    return body;
  }

  @Nullable InputStream stream() {
    return stream;
  }

  long streamLength() {
    return streamLength;
  }

  @Nullable LineSource lines() {
    return lines;
  }

  /** What an error looks like. */
  static Response problem(HttpProblem problem) {
    return json(problem.status(), problem.toJson());
  }
}
