// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Asks a {@link JsonServer}. Whatever is no good answer is thrown as {@link HttpProblem}: what the
 * server said, or with status 0 what kept it from saying anything ({@code no-connection}, {@code
 * time-out}, {@code bad-tls}, {@code not-understood}). Safe for use by several threads.
 */
public final class JsonClient {

  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final int MOST_BYTES = 16 << 20;
  private static final int MOST_LINE = 2 << 20;

  private final URI base;
  private final @Nullable String token;
  private final Duration patience;
  private final HttpClient client;

  /**
   * Makes one for a server.
   *
   * @param base scheme, host and port: {@code http://127.0.0.1:9021}
   * @param token what the server asks for, null or blank for none
   * @param tls what to trust; null for the platform's own trust store
   * @param patience how long an answer may take to begin
   */
  public JsonClient(URI base, @Nullable String token, @Nullable SSLContext tls, Duration patience) {
    this.base = base;
    this.token = token == null || token.isBlank() ? null : token.trim();
    this.patience = patience;
    HttpClient.Builder builder =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT);
    if (tls != null) {
      builder.sslContext(tls);
    }
    client = builder.build();
  }

  /** One with the platform's trust, and a patience of 60 s. */
  public JsonClient(URI base, @Nullable String token) {
    this(base, token, null, Duration.ofSeconds(60));
  }

  /** The answer to {@code GET}. */
  public JsonObject get(String path) {
    return object(getBytes(path));
  }

  /** The answer to {@code GET}, whatever it is. */
  public byte[] getBytes(String path) {
    return ask(request(path).GET().build());
  }

  /** The answer to {@code POST} without a body; an empty object where there is none. */
  public JsonObject post(String path) {
    return object(ask(request(path).POST(HttpRequest.BodyPublishers.noBody()).build()));
  }

  /**
   * The answer to {@code POST}; an empty object where there is none.
   *
   * @param json the body, sent as it is
   */
  public JsonObject post(String path, byte[] json) {
    return object(
        ask(
            request(path)
                .header("Content-Type", Response.JSON)
                .POST(HttpRequest.BodyPublishers.ofByteArray(json))
                .build()));
  }

  /** The answer to {@code DELETE}; an empty object where there is none. */
  public JsonObject delete(String path) {
    return object(ask(request(path).DELETE().build()));
  }

  /** Follows newline-delimited JSON; close it to leave. */
  public LineReader lines(String path) {
    HttpRequest request = request(path).GET().build();
    HttpResponse<InputStream> response = send(request);
    if (response.statusCode() != 200) {
      throw problem(response.statusCode(), readAll(response));
    }
    return new LineReader(response.body(), MOST_LINE);
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path)).timeout(patience);
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    return request;
  }

  private byte[] ask(HttpRequest request) {
    HttpResponse<InputStream> response = send(request);
    byte[] body = readAll(response);
    if (response.statusCode() / 100 != 2) {
      throw problem(response.statusCode(), body);
    }
    return body;
  }

  private HttpResponse<InputStream> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
    } catch (HttpTimeoutException e) {
      throw new HttpProblem(
          0, "time-out", "%s did not answer within %s.".formatted(base, patience), e);
    } catch (ConnectException e) {
      throw new HttpProblem(
          0, "no-connection", "Nothing answers at %s: is it running?".formatted(base), e);
    } catch (SSLException e) {
      throw new HttpProblem(
          0, "bad-tls", "%s cannot be trusted: %s.".formatted(base, e.getMessage()), e);
    } catch (IOException e) {
      throw new HttpProblem(
          0, "no-connection", "The connection to %s broke: %s.".formatted(base, e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HttpProblem(0, "interrupted", "The question was given up.", e);
    }
  }

  private byte[] readAll(HttpResponse<InputStream> response) {
    try (InputStream in = response.body()) {
      byte[] body = in.readNBytes(MOST_BYTES + 1);
      if (body.length > MOST_BYTES) {
        throw new HttpProblem(
            0, "not-understood", "The answer of %s is too large.".formatted(base));
      }
      return body;
    } catch (IOException e) {
      throw new HttpProblem(
          0, "no-connection", "The connection to %s broke: %s.".formatted(base, e.getMessage()), e);
    }
  }

  private JsonObject object(byte[] body) {
    try {
      return body.length == 0 ? JsonObject.empty() : Json.parseObject(body, MOST_BYTES);
    } catch (ProtocolException e) {
      throw notUnderstood(0, e);
    }
  }

  private HttpProblem problem(int status, byte[] body) {
    try {
      JsonObject error = Json.parseObject(body, MOST_BYTES).object("error");
      return new HttpProblem(status, error.string("code", 64), error.string("message", 4096));
    } catch (ProtocolException e) {
      return notUnderstood(status, e);
    }
  }

  private HttpProblem notUnderstood(int status, ProtocolException cause) {
    return new HttpProblem(
        status,
        "not-understood",
        "%s answered something else than Fairlead does%s: is it another program?"
            .formatted(base, status == 0 ? "" : ", with status " + status),
        cause);
  }

  /** Reads lines; used by one thread, closed by any. */
  public static final class LineReader implements AutoCloseable {

    private final InputStream in;
    private final int most;
    private final byte[] buffer = new byte[16 << 10];
    private int position;
    private int limit;

    LineReader(InputStream in, int most) {
      this.in = in;
      this.most = most;
    }

    /**
     * The next line that is not empty; blocks until it comes.
     *
     * @return null at the end
     * @throws HttpProblem 0 when the connection breaks, or a line is too long
     */
    public @Nullable String next() {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      try {
        while (true) {
          if (position == limit) {
            limit = in.read(buffer);
            position = 0;
            if (limit < 0) {
              limit = 0;
              return line.size() == 0 ? null : line.toString(UTF_8);
            }
          }
          int start = position;
          while (position < limit && buffer[position] != '\n') {
            position++;
          }
          line.write(buffer, start, position - start);
          if (line.size() > most) {
            throw new HttpProblem(0, "not-understood", "The server sent an endless line.");
          }
          if (position < limit) {
            position++;
            if (line.size() > 0) {
              return line.toString(UTF_8);
            }
          }
        }
      } catch (IOException e) {
        throw new HttpProblem(0, "no-connection", "The lines broke off: " + e.getMessage(), e);
      }
    }

    /**
     * The next line as an object.
     *
     * @return null at the end
     * @throws HttpProblem as {@link #next}; with what the server says where the line is an error
     */
    public @Nullable JsonObject nextObject() {
      String line = next();
      if (line == null) {
        return null;
      }
      try {
        JsonObject object = Json.parseObject(line.getBytes(UTF_8), most);
        JsonObject error = object.optionalObject("error").orElse(null);
        if (error != null) {
          throw new HttpProblem(0, error.string("code", 64), error.string("message", 4096));
        }
        return object;
      } catch (ProtocolException e) {
        throw new HttpProblem(0, "not-understood", "A line is no JSON object.", e);
      }
    }

    /** Leaves. Idempotent. */
    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        // Gone either way.
      }
    }
  }
}
