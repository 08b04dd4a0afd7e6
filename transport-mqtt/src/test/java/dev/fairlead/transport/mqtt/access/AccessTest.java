// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.mqtt.Ends;
import dev.fairlead.transport.tck.End;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The access side: a broker of our own, and one of somebody else's. */
class AccessTest {

  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir Path folder;

  private static void assertFails(String code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  private static Grant agent(String id) {
    return new Grant(id, List.of("fl/" + id + "/up/**"), List.of("fl/" + id + "/down/**"));
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(AccessProvider.class))
        .anyMatch(MqttAccessProvider.class::isInstance);
  }

  @Test
  void everythingInTheFolderIsForItsOwnerAlone() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      broker.agent("a1");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
          .isEqualTo("rwx------");
      for (String name :
          List.of("book", "users.json", "ca-key.pem", "server-key.pem", "mosquitto.conf")) {
        assertThat(
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name))))
            .isEqualTo("rw-------");
      }
    }
  }

  @Test
  void restartKeepsPortCaCredentialsAndRevocations() {
    Endpoint endpoint;
    Credential valid;
    Credential revoked;
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      endpoint = broker.endpoint();
      valid = broker.agent("a1");
      revoked = broker.agent("a2");
      broker.issuer().revoke("a2");
    }
    try (TestBroker broker = TestBroker.start(folder, Map.of());
        End good = Ends.open(endpoint, valid);
        End bad = Ends.open(endpoint, revoked)) {
      assertThat(broker.endpoint()).isEqualTo(endpoint);
      good.awaitState(State.CONNECTED);
      bad.awaitRefusal("credential-refused");
      // What was issued before the restart can still be revoked after it.
      broker.issuer().revoke("a1");
      good.awaitState(State.CONNECTING);
      good.awaitRefusal("credential-refused");
    }
  }

  @Test
  void revocationThatTheBrokerMissesReachesItWhenItComesUp() {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      Credential credential = broker.agent("a1");
      broker.kill();
      broker.issuer().revoke("a1");
      broker.restart();
      try (End peer = Ends.open(broker.endpoint(), credential)) {
        peer.awaitRefusal("credential-refused");
      }
    }
  }

  @Test
  void childThatDiesIsStartedAgainOnItsPort() {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      long first = broker.pid();
      ProcessHandle.of(first).orElseThrow().destroyForcibly();
      await().until(() -> broker.ready() && broker.pid() != first);
      try (End peer = Ends.open(broker.endpoint(), broker.agent("a1"))) {
        peer.awaitState(State.CONNECTED);
      }
    }
  }

  /** A JVM of its own, so that it can be killed. */
  public static void main(String[] args) throws IOException {
    TestBroker broker = TestBroker.start(Path.of(args[0]), Map.of());
    System.out.println(broker.pid());
    System.out.flush();
    System.in.read();
  }

  @Test
  void childEndsWithTheJvmHoweverItEnds() throws Exception {
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                AccessTest.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(jvm.getInputStream(), StandardCharsets.US_ASCII))) {
      ProcessHandle child = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
      assertThat(child.isAlive()).isTrue();
      jvm.destroyForcibly().waitFor();
      await().until(() -> !child.isAlive());
    } finally {
      jvm.destroyForcibly();
    }
  }

  @Test
  void whatPreventsAStartIsSaid() throws Exception {
    assertFails("bad-setting", () -> new MqttAccessProvider().open(name -> null));
    assertFails(
        "bad-setting",
        () -> new MqttAccessProvider().open(Map.of("broker", "other", "dir", "x")::get));
    assertFails(
        "program-missing",
        () -> TestBroker.start(folder, Map.of("program", folder.resolve("none").toString())));
    assertFails("bad-setting", () -> TestBroker.start(folder, Map.of("port", "66000")));
    assertFails("bad-setting", () -> TestBroker.start(folder, Map.of("names", "a\"b")));
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> TestBroker.start(folder, Map.of("port", "" + taken.getLocalPort())))
          .hasMessageContaining("Address already in use");
    }
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      assertThat(broker.port()).isPositive();
      assertFails("folder-in-use", () -> TestBroker.start(folder, Map.of()));
    }
    Files.writeString(folder.resolve("book"), "fairlead-mqtt-book 1\nissued");
    assertFails("corrupt-state", () -> TestBroker.start(folder, Map.of()));
  }

  @Test
  void brokerOfSomebodyElseIsUsedWithAUserOfIts() throws Exception {
    try (TestBroker broker = TestBroker.start(folder.resolve("theirs"), Map.of())) {
      Map<String, String> settings = new HashMap<>();
      settings.put("broker", "external");
      settings.put("dir", folder.resolve("ours").toString());
      settings.put("endpoint", broker.endpoint().uri().toString());
      settings.put("ca.sha256", String.valueOf(broker.endpoint().caSha256()));
      settings.put("control.credential.file", file("control", broker.control()));
      Credential theirs = broker.agent("a2");
      Credential second;
      try (CredentialIssuer issuer = new MqttAccessProvider().open(settings::get)) {
        Credential first = issuer.issue(agent("a1"), HOUR);
        second = issuer.issue(agent("a2"), HOUR);
        try (End one = Ends.open(issuer.endpoint(), first);
            End other = Ends.open(issuer.endpoint(), second)) {
          one.awaitState(State.CONNECTED);
          other.awaitState(State.CONNECTED);
          issuer.revoke("a1");
          one.awaitRefusal("credential-refused");
          assertThat(other.states()).containsExactly(State.CONNECTED);
        }
      }
      // What the book does not name is removed at the next start; what is not ours stays.
      Path book = folder.resolve("ours/book");
      Files.writeString(
          book,
          Files.readString(book)
              .lines()
              .filter(line -> !line.startsWith("issued "))
              .collect(Collectors.joining("\n", "", "\n")));
      try (CredentialIssuer issuer = new MqttAccessProvider().open(settings::get);
          End unknown = Ends.open(issuer.endpoint(), second);
          End foreign = Ends.open(issuer.endpoint(), theirs)) {
        unknown.awaitRefusal("credential-refused");
        foreign.awaitState(State.CONNECTED);
      }
      settings.put("control.credential.file", file("broken", "nonsense"));
      assertFails("bad-credential", () -> new MqttAccessProvider().open(settings::get));
      settings.put("control.credential.file", file("powerless", theirs.content()));
      assertFails("control-not-permitted", () -> new MqttAccessProvider().open(settings::get));
    }
  }

  @Test
  void whatHasExpiredMeanwhileIsOutAtTheNextStart() throws Exception {
    Credential credential;
    Endpoint endpoint;
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      credential = broker.agent("a1");
      endpoint = broker.endpoint();
    }
    Path book = folder.resolve("book");
    String text = Files.readString(book);
    Files.writeString(
        book, text.replace(" " + credential.expiresAt().getEpochSecond() + " ", " 1000 "));
    try (TestBroker broker = TestBroker.start(folder, Map.of());
        End peer = Ends.open(endpoint, credential)) {
      peer.awaitRefusal("credential-refused");
      await().until(() -> !Files.readString(book).contains("issued "));
      assertThat(broker.ready()).isTrue();
    }
  }

  @Test
  void bookReadsWhatItWrote() throws Exception {
    Path file = folder.resolve("a-book");
    Book book = Book.open(file, "fl-1");
    book.port(4_711);
    Member some =
        new Member("fl-1.a.x", "a", 200, "SALT", "HASH", List.of("a/**", "b/*"), List.of());
    book.add(some);
    book.add(new Member("fl-1.b.y", "b", 100, "S", "H", List.of(), List.of("b/c")));
    book.save();
    Book again = Book.open(file, "other");
    assertThat(again.name()).isEqualTo("fl-1");
    assertThat(again.port()).isEqualTo(4_711);
    assertThat(again.valid(150)).containsExactly(some);
    assertThat(again.expired(150)).containsExactly("fl-1.b.y");
    String text = Files.readString(file);
    for (String bent :
        List.of(
            "",
            "\n",
            text.substring(0, text.length() - 5),
            text.replace("issued fl-1.b.y b", "issued fl-1.b.y"),
            text.replace("200", "x"),
            text.replace("a/**", "a/#"),
            text.replace("port", "post"),
            "other" + text)) {
      Files.writeString(file, bent);
      assertFails("corrupt-state", () -> Book.open(file, "x"));
    }
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  @Test
  void aCredentialWaitsForABrokerThatIsJustStarting() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      broker.kill();
      CompletableFuture<Credential> issued =
          CompletableFuture.supplyAsync(() -> broker.agent("late"));
      assertThatThrownBy(() -> issued.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      broker.restart();
      try (End peer = Ends.open(broker.endpoint(), issued.get())) {
        peer.awaitState(State.CONNECTED);
      }
    }
  }

  @Test
  void credentialsIssuedWhileTheBrokerComesAndGoesAreAllGood() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      List<Credential> issued = new ArrayList<>();
      for (int round = 0; round < 5; round++) {
        broker.kill();
        CompletableFuture<Void> back = CompletableFuture.runAsync(broker::restart);
        while (!back.isDone()) {
          issued.add(broker.agent("a" + issued.size()));
        }
        back.get();
      }
      assertThat(issued).isNotEmpty();
      for (Credential credential : issued) {
        try (End peer = Ends.open(broker.endpoint(), credential)) {
          peer.awaitState(State.CONNECTED);
        }
      }
    }
  }
}
