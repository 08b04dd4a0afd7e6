// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonClientTest {

  @TempDir Path folder;

  private static Routes routes() {
    return new Routes()
        .get("/a", request -> Response.json("{\"a\":1}"))
        .post("/echo", request -> Response.bytes(200, Response.JSON, request.jsonBody()))
        .post("/act", request -> Response.empty(204))
        .delete("/a", request -> Response.empty(204))
        .get(
            "/problem",
            request -> {
              throw new HttpProblem(409, "vm-runs", "It runs.");
            })
        .get("/odd", request -> Response.bytes(502, "text/html", "<h1>no".getBytes(UTF_8)))
        .get(
            "/lines",
            request ->
                Response.lines(
                    lines -> {
                      for (int i = 0; i < 1000; i++) {
                        lines.line("{\"n\":" + i + "}");
                        lines.ping();
                      }
                    }));
  }

  @Test
  void asks() {
    try (JsonServer server =
        JsonServer.start(HttpSettings.loopback("test", 0).withToken("t"), routes())) {
      URI base = URI.create("http://127.0.0.1:" + server.port());
      JsonClient client = new JsonClient(base, "t");
      assertThat(client.get("/a")).hasToString("{\"a\":1}");
      assertThat(client.post("/echo", "{}".getBytes(UTF_8))).hasToString("{}");
      assertThat(client.post("/act")).hasToString("{}");
      assertThat(client.delete("/a")).hasToString("{}");
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> client.get("/problem"))
          .withMessage("It runs.")
          .matches(e -> e.status() == 409 && e.code().equals("vm-runs"));
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> client.get("/odd"))
          .matches(e -> e.status() == 502 && e.code().equals("not-understood"));
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> client.lines("/problem"))
          .matches(e -> e.status() == 409);
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> new JsonClient(base, null).get("/a"))
          .matches(e -> e.status() == 403);
      try (JsonClient.LineReader lines = client.lines("/lines")) {
        for (int i = 0; i < 1000; i++) {
          assertThat(lines.nextObject()).hasToString("{\"n\":" + i + "}");
        }
        assertThat(lines.nextObject()).isNull();
      }
    }
  }

  @Test
  void saysThatNothingAnswers() {
    JsonServer server = JsonServer.start(HttpSettings.loopback("test", 0), routes());
    URI base = URI.create("http://127.0.0.1:" + server.port());
    server.close();
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> new JsonClient(base, null).get("/a"))
        .matches(e -> e.status() == 0 && e.code().equals("no-connection"));
  }

  @Test
  void speaksTls() throws Exception {
    for (List<String> kind :
        List.of(List.of("rsa:2048"), List.of("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))) {
      Path key = folder.resolve("key.pem");
      Path certificate = folder.resolve("cert.pem");
      List<String> command =
          new java.util.ArrayList<>(List.of("openssl", "req", "-x509", "-newkey"));
      command.addAll(kind);
      command.addAll(
          List.of(
              "-nodes",
              "-days",
              "2",
              "-subj",
              "/CN=localhost",
              "-addext",
              "subjectAltName=DNS:localhost",
              "-keyout",
              key.toString(),
              "-out",
              certificate.toString()));
      Process openssl =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("log").toFile())
              .start();
      assertThat(openssl.waitFor()).as("openssl; apt-get install openssl").isZero();
      HttpSettings settings =
          HttpSettings.loopback("test", 0).withTls(Pem.server(certificate, key));
      try (JsonServer server = JsonServer.start(settings, routes())) {
        URI base = URI.create("https://localhost:" + server.port());
        JsonClient client =
            new JsonClient(base, null, Pem.client(certificate), Duration.ofSeconds(10));
        assertThat(client.get("/a")).hasToString("{\"a\":1}");
        assertThatExceptionOfType(HttpProblem.class)
            .isThrownBy(() -> new JsonClient(base, null).get("/a"))
            .matches(e -> e.code().equals("bad-tls"));
      }
    }
  }

  @Test
  void namesTheFileThatIsNoPem() throws Exception {
    Path file = folder.resolve("odd.pem");
    Files.writeString(
        file, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> Pem.server(file, file))
        .withMessageContaining("odd.pem");
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> Pem.client(folder.resolve("absent.pem")))
        .withMessageContaining("absent.pem");
  }
}
