// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Anyone entitled reads along with a stock client, and can do nothing else. */
final class ReaderIT {

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir Path folder;

  @Test
  void stockNatsClientReadsLinesAndSaysNothing() throws Exception {
    try (HostUp host = HostUp.start(folder)) {
      JsonObject reader =
          Json.parseObject(
              host.computations("POST", "/readers", null).body().getBytes(UTF_8), 1 << 16);
      Queue<String> lines = new ConcurrentLinkedQueue<>();
      Queue<String> violations = new ConcurrentLinkedQueue<>();
      Options options =
          new Options.Builder()
              .server(reader.string("uri"))
              .sslContext(trusting(host.home().resolve("broker").resolve("ca.pem")))
              .authHandler(Nats.credentials(credentials(reader.string("credential")).toString()))
              .errorListener(
                  new ErrorListener() {
                    @Override
                    public void errorOccurred(Connection connection, String error) {
                      violations.add(error);
                    }
                  })
              .build();
      Connection connection = Nats.connect(options);
      try {
        connection
            .createDispatcher(
                message -> new String(message.getData(), UTF_8).lines().forEach(lines::add))
            .subscribe("fairlead.*.up.logs");
        connection.flush(Duration.ofSeconds(10));

        host.runExample(folder);
        // 12 000 lines of its own, each a JSON object with what was said.
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(lines).hasSizeGreaterThan(12_000));
        assertThat(lines).allSatisfy(ReaderIT::requireReadable);

        connection.publish("fairlead.sum.up.logs", "forged".getBytes(UTF_8));
        await()
            .atMost(PATIENCE)
            .untilAsserted(
                () -> assertThat(violations).anyMatch(error -> error.contains("Publish")));
      } finally {
        connection.close();
      }
    }
  }

  @Test
  void stockMqttClientReadsLinesAndSaysNothing() throws Exception {
    try (HostUp host = HostUp.start(folder, "--deployment", "mqtt")) {
      JsonObject reader =
          Json.parseObject(
              host.computations("POST", "/readers", null).body().getBytes(UTF_8), 1 << 16);
      URI broker = URI.create(reader.string("uri"));
      String credential = reader.string("credential");
      int colon = credential.indexOf(':');
      // As the README shows it.
      List<String> words =
          List.of(
              "-V",
              "5",
              "-h",
              broker.getHost(),
              "-p",
              Integer.toString(broker.getPort()),
              "--cafile",
              host.home().resolve("broker-mqtt").resolve("ca.pem").toString(),
              "-u",
              credential.substring(0, colon),
              "-P",
              credential.substring(colon + 1));
      Path said = folder.resolve("said");
      Process subscriber = program("mosquitto_sub", words, List.of("-t", "fairlead/+/up/#"), said);
      try {
        host.runExample(folder);
        await()
            .atMost(PATIENCE)
            .untilAsserted(
                () ->
                    assertThat(Files.readAllLines(said))
                        .filteredOn(line -> line.contains("sum so far"))
                        .hasSizeGreaterThanOrEqualTo(12_000));
        assertThat(Files.readAllLines(said)).allSatisfy(ReaderIT::requireJson);
        Process publisher =
            program(
                "mosquitto_pub",
                words,
                List.of("-q", "1", "-t", "fairlead/sum/up/logs", "-m", "forged"),
                folder.resolve("forged"));
        assertThat(publisher.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(folder.resolve("forged")).content().contains("Not authorized");
      } finally {
        subscriber.destroyForcibly().waitFor();
      }
    }
  }

  private static Process program(String name, List<String> words, List<String> more, Path output)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(name);
    command.addAll(words);
    command.addAll(more);
    try {
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(output.toFile())
          .start();
    } catch (IOException e) {
      throw new AssertionError(
          name + " is not installed: run: apt-get install -y mosquitto-clients", e);
    }
  }

  private static void requireReadable(String line) {
    assertThat(Json.parseObject(line.getBytes(UTF_8), 1 << 16).string("message")).isNotNull();
  }

  private static void requireJson(String line) {
    assertThat(Json.parseObject(line.getBytes(UTF_8), 1 << 16).names()).isNotEmpty();
  }

  /** The file that the README shows how to make. */
  private Path credentials(String credential) throws Exception {
    int dot = credential.lastIndexOf('.');
    return Files.writeString(
        folder.resolve("reader.creds"),
        """
        -----BEGIN NATS USER JWT-----
        %s
        ------END NATS USER JWT------

        -----BEGIN USER NKEY SEED-----
        %s
        ------END USER NKEY SEED------
        """
            .formatted(credential.substring(0, dot), credential.substring(dot + 1)));
  }

  private static SSLContext trusting(Path pem) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (InputStream in = Files.newInputStream(pem)) {
      store.setCertificateEntry(
          "ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
