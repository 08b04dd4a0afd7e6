// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.Attributes;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The agents whose bundles are meant, rather than the host's. */
final class Guests {

  private static final Duration REQUEST = Duration.ofMinutes(1);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Longer than the service waits for an agent that says nothing. */
  private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(12);

  @Option(
      names = "--computation",
      paramLabel = "ID",
      description = "The agent of this computation, in its guest, and not the host.")
  private @Nullable String id;

  @Option(
      names = "--computations",
      paramLabel = "URL",
      defaultValue = "${FAIRLEAD_COMPUTATIONS:-http://127.0.0.1:9020}",
      description = "The computations service, which speaks to agents (default: ${DEFAULT-VALUE}).")
  private URI computations = URI.create("http://127.0.0.1:9020");

  /** Made by picocli. */
  Guests() {}

  /** Whether agents are meant at all. */
  boolean meant(boolean all) {
    return all || id != null;
  }

  JsonClient client(String token) {
    return new JsonClient(computations, token, null, REQUEST);
  }

  /** What the agent says of its bundles. */
  JsonObject list(String token) {
    return client(token).get("/computations/" + Paths.segment(String.valueOf(id)) + "/bundles");
  }

  /**
   * Brings a jar to those that are meant, one after the other.
   *
   * @param all all agents that are heard now
   * @return the exit status
   */
  int update(byte[] jar, String sha256, boolean all, String token, Out out) throws IOException {
    JsonClient client = client(token);
    String path =
        "/bundles?bundle=%s&version=%s&sha256=%s"
            .formatted(
                name(jar), version(jar), URLEncoder.encode(sha256.toLowerCase(Locale.ROOT), UTF_8));
    List<JsonObject> changes = new ArrayList<>();
    int failed = 0;
    int away = 0;
    for (String one : all ? heard(client) : List.of(Paths.segment(String.valueOf(id)))) {
      JsonObject change = change(client, one, path, jar, all);
      changes.add(change);
      boolean retry = Fields.text(change, "retry").equals("true");
      boolean done = change.string("state").equals("done");
      away += retry ? 1 : 0;
      failed += done || retry ? 0 : 1;
      out.line(said(one, change, done));
    }
    out.json(JsonObject.builder().put("changes", JsonArray.of(changes)).build());
    return failed > 0 ? ExitCode.FAILED : away > 0 ? ExitCode.RETRY : ExitCode.DONE;
  }

  private static String said(String one, JsonObject change, boolean done) {
    return done
        ? "%s: changed %s: %s -> %s; other bundles refreshed: %s; %s ms"
            .formatted(
                one,
                change.string("bundle"),
                Fields.text(change, "from"),
                change.string("to"),
                Fields.text(change, "othersRefreshed"),
                Fields.text(change, "millis"))
        : "%s: not changed (%s): %s"
            .formatted(one, Fields.text(change, "code"), Fields.text(change, "message"));
  }

  private static JsonObject change(
      JsonClient client, String one, String path, byte[] jar, boolean several) {
    try {
      JsonObject begun = client.post("/computations/" + one + path, jar).object("change");
      return await(client, one, begun);
    } catch (HttpProblem e) {
      if (!several) {
        throw e;
      }
      boolean retry = e.status() == 503 || e.status() == 504 || e.status() == 0;
      return JsonObject.builder()
          .put("id", one)
          .put("state", "not-begun")
          .put("code", e.code())
          .put("message", String.valueOf(e.getMessage()))
          .put("retry", retry)
          .build();
    }
  }

  private static JsonObject await(JsonClient client, String one, JsonObject begun) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (System.nanoTime() - deadline < 0) {
      JsonObject now =
          client
              .get("/computations/" + one + "/bundles/change")
              .optionalObject("change")
              .orElse(JsonObject.empty());
      if (!Fields.text(now, "command").equals(begun.string("command"))) {
        break; // the service is another, or somebody has begun another change since
      }
      if (!now.string("state").equals("under-way")) {
        JsonObject.Builder whole = JsonObject.builder().put("id", one);
        now.fields().forEach(whole::put);
        return whole.build();
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new CommandFailure(
        ExitCode.RETRY,
        "Nobody knows yet what became of it: see 'fairlead events %s', and 'bundles list'."
            .formatted(one));
  }

  private static List<String> heard(JsonClient client) {
    List<String> heard = new ArrayList<>();
    for (JsonObject one : client.get("/computations").objects("computations")) {
      String state = Fields.text(one.object("agent"), "state");
      if (state.equals("connected") || state.equals("late")) {
        heard.add(one.string("id"));
      }
    }
    return heard;
  }

  private static String name(byte[] jar) throws IOException {
    return header(jar, "Bundle-SymbolicName").split(";", 2)[0].strip();
  }

  private static String version(byte[] jar) throws IOException {
    return header(jar, "Bundle-Version").strip();
  }

  /** The agent reads it again, and the service asks whether it may be a name. */
  private static String header(byte[] jar, String name) throws IOException {
    try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(jar))) {
      Manifest manifest = in.getManifest();
      Attributes headers = manifest == null ? new Attributes() : manifest.getMainAttributes();
      String value = headers.getValue(name);
      if (value == null || !value.matches("[A-Za-z0-9_.-]{1,128}(;.*)?")) {
        throw new CommandFailure(
            ExitCode.FAILED, "The file is no bundle: its manifest has no %s.".formatted(name));
      }
      return value;
    }
  }
}
