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
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
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

        Path result = folder.resolve("result.zip");
        FairleadCommand run =
            FairleadCommand.start(
                folder,
                "run",
                Reactor.root().resolve("examples/sum/run.json").toString(),
                "--quiet",
                "--manager",
                host.managerUrl(),
                "--computations",
                host.computationsUrl(),
                "--output",
                result.toString());
        try (run) {
          assertThat(run.await(3)).as(run.said()).isZero();
        }
        // 12 000 lines of its own, each a JSON object with what was said.
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(lines).hasSizeGreaterThan(12_000));
        assertThat(lines)
            .allSatisfy(
                line ->
                    assertThat(Json.parseObject(line.getBytes(UTF_8), 1 << 16).string("message"))
                        .isNotNull());
        assertThat(Files.size(result)).isPositive();

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
