// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JsonServerTest {

  private final HttpClient http = HttpClient.newHttpClient();
  private final CountDownLatch followersEnded = new CountDownLatch(1);
  private final AtomicInteger following = new AtomicInteger();
  private JsonServer server = start(HttpSettings.loopback("test", 0));

  private JsonServer start(HttpSettings settings) {
    Routes routes =
        new Routes()
            .get("/health", request -> Response.json("{\"status\":\"pass\"}"))
            .get("/vms/{id}", request -> Response.json("{\"id\":\"" + request.path("id") + "\"}"))
            .get("/vms/own", request -> Response.json("{\"own\":true}"))
            .delete("/vms/{id}", request -> Response.empty(204))
            .post("/echo", request -> Response.bytes(201, Response.JSON, request.jsonBody()))
            .post("/parse", request -> Response.json(request.json()))
            .get("/number", request -> Response.json("" + request.queryNumber("n", 7, 1, 10)))
            .get("/large", request -> Response.json("\"" + "x".repeat(3 << 20) + "\""))
            .get(
                "/stream",
                request ->
                    Response.stream(
                        "application/octet-stream",
                        new ByteArrayInputStream("stream".getBytes(UTF_8)),
                        6))
            .get(
                "/broken",
                request -> {
                  throw new IllegalStateException("the secret inside");
                })
            .get(
                "/problem",
                request -> {
                  throw new HttpProblem(409, "vm-runs", "It \"runs\"\n.");
                })
            .get("/follow", request -> Response.lines(this::follow))
            .get("/follow-busy", request -> Response.lines(JsonServerTest::sendWithoutEnd))
            .get(
                "/follow-broken",
                request ->
                    Response.lines(
                        lines -> {
                          lines.line("{\"n\":1}");
                          throw new HttpProblem(410, "gone", "No more.");
                        }));
    return JsonServer.start(settings, routes);
  }

  private void follow(Response.Lines lines) throws IOException, InterruptedException {
    following.incrementAndGet();
    try {
      lines.line("{\"n\":1}");
      lines.ping();
      lines.line("{\"n\":2}");
      lines.flush();
      new CountDownLatch(1).await();
    } finally {
      followersEnded.countDown();
    }
  }

  private static void sendWithoutEnd(Response.Lines lines)
      throws IOException, InterruptedException {
    while (!Thread.interrupted()) {
      lines.line("{\"n\":1}");
      lines.flush();
    }
    throw new InterruptedException();
  }

  @AfterEach
  void close() {
    server.close();
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return send(to(path));
  }

  @Test
  void answersByMethodAndPath() throws Exception {
    assertThat(get("/health").body()).isEqualTo("{\"status\":\"pass\"}");
    assertThat(get("/vms/a%20b%2Fc").body()).isEqualTo("{\"id\":\"a b/c\"}");
    assertThat(get("/vms/own").body()).isEqualTo("{\"own\":true}");
    assertThat(get("/health").headers().firstValue("Content-Type")).contains("application/json");
    HttpResponse<String> gone = send(to("/vms/a").DELETE());
    assertThat(gone.statusCode()).isEqualTo(204);
    assertThat(gone.body()).isEmpty();
  }

  @Test
  void tellsUnknownPathsAndMethods() throws Exception {
    assertThat(get("/nothing").statusCode()).isEqualTo(404);
    assertThat(get("/nothing").body()).contains("\"code\":\"unknown-path\"");
    HttpResponse<String> wrong = send(to("/vms/a").POST(HttpRequest.BodyPublishers.noBody()));
    assertThat(wrong.statusCode()).isEqualTo(405);
    assertThat(wrong.headers().firstValue("Allow").orElse("")).contains("GET").contains("DELETE");
    assertThat(raw("GET /vms/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 400");
  }

  @Test
  void answersHeadWithoutBody() throws Exception {
    HttpResponse<String> head =
        send(to("/health").method("HEAD", HttpRequest.BodyPublishers.noBody()));
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("Content-Length")).contains("17");
    assertThat(head.body()).isEmpty();
    assertThat(send(to("/follow").method("HEAD", HttpRequest.BodyPublishers.noBody())).statusCode())
        .isEqualTo(200);
  }

  @Test
  void checksTypeAndSizeOfBodies() throws Exception {
    HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofString("{}");
    assertThat(send(to("/echo").POST(body)).statusCode()).isEqualTo(415);
    HttpRequest.Builder json =
        to("/echo").header("Content-Type", "application/json; charset=utf-8");
    assertThat(send(json.copy().POST(body)).statusCode()).isEqualTo(201);
    assertThat(send(json.copy().POST(HttpRequest.BodyPublishers.noBody())).body())
        .contains("empty-body");
    byte[] limit = new byte[HttpSettings.BODY_LIMIT];
    assertThat(send(json.copy().POST(HttpRequest.BodyPublishers.ofByteArray(limit))).statusCode())
        .isEqualTo(201);
    byte[] more = new byte[HttpSettings.BODY_LIMIT + 1];
    HttpResponse<String> refused =
        send(json.copy().POST(HttpRequest.BodyPublishers.ofByteArray(more)));
    assertThat(refused.statusCode()).isEqualTo(413);
    assertThat(refused.body()).contains("body-too-large");
    HttpResponse<String> endless =
        send(
            json.copy()
                .POST(
                    HttpRequest.BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(new byte[3 << 20]))));
    assertThat(endless.statusCode()).isEqualTo(413);
  }

  @Test
  void saysWhereABodyIsWrong() throws Exception {
    HttpRequest.Builder json = to("/parse").header("Content-Type", "application/json");
    HttpResponse<String> wrong =
        send(json.copy().POST(HttpRequest.BodyPublishers.ofString("{\"a\":1,}")));
    assertThat(wrong.statusCode()).isEqualTo(400);
    assertThat(wrong.body()).contains("bad-json").contains("character");
    assertThat(send(json.copy().POST(HttpRequest.BodyPublishers.ofString("{\"a\":1}"))).body())
        .isEqualTo("{\"a\":1}");
  }

  @Test
  void checksTheQuery() throws Exception {
    assertThat(get("/number").body()).isEqualTo("7");
    assertThat(get("/number?n=10&n=3").body()).isEqualTo("10");
    assertThat(get("/number?n=11").statusCode()).isEqualTo(400);
    assertThat(get("/number?n=x").body()).contains("bad-query");
  }

  @Test
  void hidesWhatFailedInside() throws Exception {
    HttpResponse<String> broken = get("/broken");
    assertThat(broken.statusCode()).isEqualTo(500);
    assertThat(broken.body()).contains("\"internal\"").doesNotContain("secret");
    HttpResponse<String> problem = get("/problem");
    assertThat(problem.statusCode()).isEqualTo(409);
    assertThat(problem.body())
        .isEqualTo("{\"error\":{\"code\":\"vm-runs\",\"message\":\"It \\\"runs\\\"\\n.\"}}");
  }

  @Test
  void sendsLargeBodiesAndStreams() throws Exception {
    assertThat(get("/large").body()).hasSize((3 << 20) + 2);
    assertThat(get("/stream").body()).isEqualTo("stream");
  }

  @Test
  void sendsLinesUntilItCloses() throws Exception {
    HttpResponse<java.io.InputStream> response =
        http.send(to("/follow").build(), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(response.headers().firstValue("Content-Type")).contains(Response.NDJSON);
    try (JsonClient.LineReader lines = new JsonClient.LineReader(response.body(), 100)) {
      assertThat(lines.next()).isEqualTo("{\"n\":1}");
      assertThat(lines.next()).isEqualTo("{\"n\":2}");
      server.close();
      assertThat(lines.next()).isNull();
    }
    assertThat(followersEnded.await(30, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
  }

  /** Closing may come in the middle of a write, which an interrupt would break off. */
  @Test
  void endsLinesWholeThatItIsSending() throws Exception {
    for (int turn = 0; turn < 20; turn++) {
      HttpResponse<java.io.InputStream> response =
          http.send(to("/follow-busy").build(), HttpResponse.BodyHandlers.ofInputStream());
      try (JsonClient.LineReader lines = new JsonClient.LineReader(response.body(), 100)) {
        assertThat(lines.next()).isEqualTo("{\"n\":1}");
        Thread closer = new Thread(server::close);
        closer.start();
        for (String line = lines.next(); line != null; line = lines.next()) {
          assertThat(line).isEqualTo("{\"n\":1}");
        }
        closer.join();
      }
      server = start(HttpSettings.loopback("test", 0));
    }
  }

  @Test
  void tellsInALineWhyLinesEnd() throws Exception {
    assertThat(get("/follow-broken").body())
        .isEqualTo("{\"n\":1}\n{\"error\":{\"code\":\"gone\",\"message\":\"No more.\"}}\n");
  }

  @Test
  void followersDoNotKeepWorkersBusyAndAreBounded() throws Exception {
    server.close();
    server = start(HttpSettings.loopback("test", 0).withThreads(1, 2));
    List<HttpResponse<java.io.InputStream>> open = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      open.add(http.send(to("/follow").build(), HttpResponse.BodyHandlers.ofInputStream()));
    }
    await().until(() -> following.get() == 2);
    assertThat(get("/health").statusCode()).isEqualTo(200);
    HttpResponse<String> full = get("/follow");
    assertThat(full.statusCode()).isEqualTo(503);
    assertThat(full.body()).contains("too-many-followers");
    for (HttpResponse<java.io.InputStream> response : open) {
      response.body().close();
    }
  }

  @Test
  void asksForTheToken() throws Exception {
    server.close();
    server = start(HttpSettings.loopback("test", 0).withToken("open sesame"));
    assertThat(get("/health").statusCode()).isEqualTo(403);
    assertThat(send(to("/health").header("Authorization", "Bearer wrong")).body())
        .contains("not-permitted");
    assertThat(send(to("/health").header("Authorization", "bearer open sesame")).statusCode())
        .isEqualTo(200);
    assertThat(HttpSettings.loopback("test", 0).withToken("open sesame").toString())
        .doesNotContain("sesame");
  }

  @Test
  void keepsOutWhatAWebPageWasMadeToSend() throws Exception {
    assertThat(send(to("/health").header("Origin", "https://evil.example")).statusCode())
        .isEqualTo(403);
    assertThat(send(to("/health").header("Origin", "http://localhost:9020")).statusCode())
        .isEqualTo(200);
    assertThat(raw("GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(raw("GET /health HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 200");
  }

  private String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(request.getBytes(UTF_8));
      out.flush();
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  @Test
  void refusesToListenWhereStrangersCouldConnect() {
    InetSocketAddress all = new InetSocketAddress("0.0.0.0", 0);
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> JsonServer.start(HttpSettings.at("test", all), new Routes()))
        .matches(e -> e.code().equals("token-missing"));
    JsonServer.start(HttpSettings.at("test", all).withToken("x"), new Routes()).close();
    JsonServer.start(HttpSettings.at("test", all).withoutGuard(), new Routes()).close();
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> HttpSettings.at("test", "no-such-host.invalid", 0))
        .matches(e -> e.code().equals("unknown-host"));
  }

  @Test
  void saysWhenThePortIsTaken() {
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> start(HttpSettings.loopback("test", server.port())))
        .matches(e -> e.code().equals("port-taken"))
        .withMessageContaining(Integer.toString(server.port()));
  }

  @Test
  void leavesNoThreadAndNoPortBehind() throws Exception {
    assertThat(get("/health").statusCode()).isEqualTo(200);
    int port = server.port();
    assertThat(threads()).isNotEmpty().allMatch(Thread::isDaemon);
    server.close();
    server.close();
    await().untilAsserted(() -> assertThat(threads()).isEmpty());
    server = start(HttpSettings.loopback("test", port));
    assertThat(server.port()).isEqualTo(port);
  }

  private static List<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(
            thread ->
                thread.getName().startsWith("fl-http-")
                    || thread.getName().equals("HTTP-Dispatcher"))
        .toList();
  }

  @Test
  void readsNamesOfSettings() {
    assertThat(HttpSettings.at("test", "", 9021).address().getAddress().isLoopbackAddress())
        .isTrue();
    assertThat(HttpSettings.at("test", "0.0.0.0", 9021).address().getAddress().isAnyLocalAddress())
        .isTrue();
  }
}
