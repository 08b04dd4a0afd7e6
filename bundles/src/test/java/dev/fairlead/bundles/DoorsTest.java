// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonClient;
import dev.fairlead.http.JsonServer;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The two ways in: a folder, and HTTP. */
class DoorsTest {

  @TempDir private Path folder;
  private Framework felix;

  @BeforeEach
  void start() throws Exception {
    felix = new Framework(folder);
  }

  @AfterEach
  void stop() throws Exception {
    felix.close();
  }

  private Path put(String name, byte[] jar, byte[] stated) throws IOException {
    Path incoming = folder.resolve("incoming");
    Path file = Files.write(incoming.resolve(name), jar);
    Files.writeString(incoming.resolve(name + ".sha256"), Digests.of(stated) + "  " + name + "\n");
    return file;
  }

  @Test
  void aJarInTheFolderIsTaken() throws Exception {
    try (Incoming incoming = new Incoming(folder.resolve("incoming"), felix.bundles())) {
      byte[] jar = FakeJar.of("1.0.1").bytes();
      Path alone = Files.write(folder.resolve("incoming/later.jar"), jar);
      incoming.look();
      assertThat(alone).exists(); // Nothing says yet that it is whole.
      put("new.jar", jar, jar);
      incoming.look();
      assertThat(felix.carrying()).isEqualTo("1.0.1");
      assertThat(folder.resolve("incoming/new.jar")).doesNotExist();
      assertThat(folder.resolve("incoming/done/new.jar")).exists();
      assertThat(Files.readString(folder.resolve("incoming/done/new.jar.json"), UTF_8))
          .contains("\"to\":\"1.0.1\"");
    }
  }

  @Test
  void aJarThatIsNoGoodIsPutAside() throws Exception {
    try (Incoming incoming = new Incoming(folder.resolve("incoming"), felix.bundles())) {
      byte[] jar = FakeJar.of("1.0.1").fault("start").bytes();
      put("bad.jar", jar, jar);
      incoming.look();
      assertThat(felix.carrying()).isEqualTo("1.0.0");
      assertThat(folder.resolve("incoming/bad.jar")).doesNotExist();
      assertThat(Files.readString(folder.resolve("incoming/refused/bad.jar.json"), UTF_8))
          .contains("\"code\":\"not-started\"");
    }
  }

  @Test
  void aJarThatIsStillCopiedIsWaitedFor() throws Exception {
    try (Incoming incoming = new Incoming(folder.resolve("incoming"), felix.bundles())) {
      byte[] jar = FakeJar.of("1.0.1").bytes();
      Path file = put("slow.jar", Arrays.copyOf(jar, jar.length / 2), jar);
      incoming.look();
      assertThat(file).exists();
      Files.write(file, jar);
      incoming.look();
      assertThat(felix.carrying()).isEqualTo("1.0.1");
      // One that does not grow any more is no jar that is on its way.
      put("torn.jar", Arrays.copyOf(jar, jar.length / 2), jar);
      incoming.look();
      incoming.look();
      assertThat(Files.readString(folder.resolve("incoming/refused/torn.jar.json"), UTF_8))
          .contains("\"code\":\"wrong-digest\"");
    }
  }

  @Test
  void theApiTakesListsAndRollsBack() throws Exception {
    Counts counts = new Counts();
    Bundles bundles =
        new Bundles(
            felix.context(), new Verifier(null, null), felix.shelf, Framework.PATIENCE, counts);
    try (JsonServer server =
        JsonServer.start(
            HttpSettings.loopback("bundles", 0).withBodyLimit(BundleJar.MOST_BYTES),
            new BundlesRoutes(bundles, counts).routes())) {
      JsonClient client = new JsonClient(URI.create("http://127.0.0.1:" + server.port()), null);
      byte[] jar = FakeJar.of("1.0.1").bytes();
      String path = "/bundles?sha256=" + Digests.of(jar);
      JsonObject plan = client.post(path + "&dry-run=true", jar);
      assertThat(plan.toString()).contains("\"done\":false");
      assertThat(felix.carrying()).isEqualTo("1.0.0");
      JsonObject change = client.post(path, jar);
      assertThat(change.toString()).contains("\"done\":true", "\"otherBundlesRefreshed\":0");
      assertThat(felix.carrying()).isEqualTo("1.0.1");
      assertThat(client.get("/bundles").toString())
          .contains("\"version\":\"1.0.1\"", "\"rollback\":\"1.0.0\"");
      assertThat(problem(() -> client.post(path, jar)).code()).isEqualTo("not-newer");
      assertThat(problem(() -> client.post("/bundles", jar)).code()).isEqualTo("no-digest");
      assertThat(problem(() -> client.post("/bundles/nobody/rollback")).status()).isEqualTo(404);
      client.post("/bundles/" + FakeJar.NAME + "/rollback");
      assertThat(felix.carrying()).isEqualTo("1.0.0");
      assertThat(new String(client.getBytes("/metrics"), UTF_8))
          .contains(
              "fairlead_bundle_changes_total{outcome=\"done\"} 2",
              "fairlead_bundle_changes_total{outcome=\"refused\"} 2",
              "fairlead_bundle_others_refreshed_total 0");
    }
  }

  private static HttpProblem problem(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    HttpProblem problem = catchThrowableOfType(HttpProblem.class, call);
    assertThat(problem).isNotNull();
    return problem;
  }
}
