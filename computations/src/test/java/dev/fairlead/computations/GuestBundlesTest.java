// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.Requester;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Orders to take a bundle, as the API gives them and an agent answers them. */
class GuestBundlesTest {

  private static final byte[] MANIFEST =
      """
      {"id":"c","name":"Sample","datasets":[],"ttl":60}"""
          .getBytes(UTF_8);

  @TempDir Path directory;
  private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
  private final byte[] jar = new byte[2 * BundleRequest.PIECE + 77];
  private MemoryHub hub;
  private MemoryIssuer issuer;
  private ComputationsService service;
  private JsonClient client;
  private TestPeer host;
  private TestPeer agent;
  private int asked;

  @BeforeEach
  void start() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
    new Random(1).nextBytes(jar);
    InstantSource clock = InstantSource.system();
    hub = later(MemoryHub.start("a" + UUID.randomUUID(), clock));
    issuer = later(new MemoryIssuer(hub, clock));
    startService();
    Addresses mine = Addresses.ofHost("f", "1");
    host =
        later(
            new TestPeer(
                hub.uri(),
                mine,
                issuer
                    .issue(
                        new Grant(mine.party(), mine.sends(), mine.receives()), Duration.ofHours(1))
                    .content()));
    Reply reply = host.ask("r1", new Request.Register(MANIFEST));
    Registration registration = Registration.parse(((Reply.Ok) reply).result());
    agent =
        later(
            new TestPeer(
                hub.uri(),
                Addresses.ofComputation("f", registration.computation()),
                registration.credential()));
    comeAlive();
  }

  private void comeAlive() {
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
    await()
        .until(
            () ->
                client.get("/computations/c").object("agent").string("state").equals("connected"));
  }

  private void startService() {
    service =
        ComputationsService.start(
            new Settings(
                "f",
                "memory",
                directory,
                Duration.ofHours(1),
                1 << 20,
                Duration.ofMillis(5),
                HttpSettings.loopback("computations", 0).withBodyLimit(Command.Bundle.MAX_SIZE)),
            InstantSource.system());
    service.addProvider(new MemoryTransportProvider());
    service.addIssuer(issuer);
    client = new JsonClient(URI.create("http://127.0.0.1:" + service.port()), null);
    await().until(() -> client.get("/health").string("status").equals("pass"));
  }

  @AfterEach
  void stop() throws Exception {
    service.close();
    while (!toClose.isEmpty()) {
      toClose.pop().close();
    }
    Awaitility.reset();
  }

  private <T extends AutoCloseable> T later(T part) {
    toClose.push(part);
    return part;
  }

  @Test
  void handsTheJarOutPieceByPieceAndSaysWhatBecameOfIt() {
    JsonObject begun = client.post(path("c", "0.1.1", digest(jar)), jar).object("change");
    assertThat(begun.string("state")).isEqualTo("under-way");
    Command.Bundle order = order();
    assertThat(order)
        .isEqualTo(
            new Command.Bundle(begun.string("command"), "a.b", "0.1.1", jar.length, digest(jar)));
    ByteArrayOutputStream came = new ByteArrayOutputStream();
    for (long at = 0; at < jar.length; at += BundleRequest.PIECE) {
      came.writeBytes(ask(new BundleRequest.Piece(order.id(), at)));
    }
    assertThat(came.toByteArray()).isEqualTo(jar);
    assertThat(ask(new BundleRequest.Piece(order.id(), 3L * BundleRequest.PIECE)))
        .as("beyond the end")
        .isEmpty();
    assertThat(ask(new BundleRequest.Piece("another", 0))).isEmpty();
    assertThat(problem("c", "0.1.2", digest(jar), jar).code())
        .as("two at once")
        .isEqualTo("change-under-way");

    BundleRequest.Outcome done =
        new BundleRequest.Outcome(order.id(), true, null, null, "0.1.0", 0, 9);
    assertThat(ask(done)).isEmpty();
    assertThat(ask(done)).as("said again").isEmpty();
    JsonObject change = change();
    assertThat(change.string("state")).isEqualTo("done");
    assertThat(change.string("from")).isEqualTo("0.1.0");
    assertThat(change.string("to")).isEqualTo("0.1.1");
    assertThat(ask(new BundleRequest.Piece(order.id(), 0))).as("it is over").isEmpty();
    assertThat(new String(client.getBytes("/metrics"), UTF_8))
        .contains(
            "fairlead_computations_agent_bundle_changes_total{outcome=\"done\"} 1\n",
            "fairlead_computations_agent_bundle_changes_total{outcome=\"failed\"} 0\n");
    client.post(path("c", "0.1.2", digest(jar)), jar);
  }

  @Test
  void anAgentThatRefusesSaysWhy() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    ask(
        new BundleRequest.Outcome(
            order().id(), false, "not-measured", "It is not on the list.", null, 0, 0));
    assertThat(change().string("state")).isEqualTo("failed");
    assertThat(change().string("code")).isEqualTo("not-measured");
    assertThat(change().string("message")).isEqualTo("It is not on the list.");
  }

  @Test
  void whatCannotBeIsRefusedBeforeTheAgentHearsOfIt() {
    assertThat(problem("c", "0.1.1", "0".repeat(64), jar).code()).isEqualTo("wrong-digest");
    assertThat(problem("c", "0.1.1", "no digest", jar).code()).isEqualTo("bad-digest");
    assertThat(problem("c", "0.1.1 ", digest(jar), jar).code()).isEqualTo("bad-version");
    assertThat(problem("c", "0.1.1", digest(new byte[0]), new byte[0]).code())
        .isEqualTo("too-large");
    assertThat(problem("nobody", "0.1.1", digest(jar), jar).status()).isEqualTo(404);
    byte[] large = new byte[Command.Bundle.MAX_SIZE + 1];
    assertThat(problem("c", "0.1.1", digest(large), large).status()).isEqualTo(413);
    assertThat(client.get("/computations/c/bundles/change").optionalObject("change")).isEmpty();
    Reply reply = host.ask("end", new Request.Ended("c", "STOPPED", "done"));
    assertThat(reply).isInstanceOf(Reply.Ok.class);
    assertThat(problem("c", "0.1.1", digest(jar), jar).code()).isEqualTo("run-is-over");
    assertThat(commands()).isEmpty();
  }

  @Test
  void anAgentThatAsksForMoreThanThereIsGetsNoMore() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    Command.Bundle order = order();
    byte[] request = new BundleRequest.Piece(order.id(), 0).toJson();
    for (int i = 0; i < 100; i++) {
      agent.send(
          new Message(
              agent.addresses.bundles(),
              Map.of(Requester.HEADER, "greedy" + i),
              ByteBuffer.wrap(request)));
    }
    await().until(() -> client.get("/health").object("refusals").has("too-many-pieces"));
    assertThat(answers("greedy")).hasSizeLessThanOrEqualTo(10);
  }

  @Test
  void rubbishIsCountedAndChangesNothing() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    agent.send(
        new Message(
            agent.addresses.bundles(),
            Map.of(Requester.HEADER, "r"),
            ByteBuffer.wrap("rubbish".getBytes(UTF_8))));
    await().until(() -> client.get("/health").object("refusals").has("bad-bundle-request"));
    assertThat(change().string("state")).isEqualTo("under-way");
  }

  @Test
  void aVmThatEndsMeanwhileEndsTheChange() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    assertThat(host.ask("end", new Request.Ended("c", "STOPPED", "done")))
        .isInstanceOf(Reply.Ok.class);
    await().until(() -> change().string("state").equals("failed"));
    assertThat(change().string("code")).isEqualTo("agent-gone");
  }

  @Test
  void anAgentThatStartsAnewMeanwhileEndsTheChange() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    assertThat(ask(new BundleRequest.Piece(order().id(), 0))).isNotEmpty();
    agent.heartbeat("e2", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
    await().until(() -> change().string("state").equals("failed"));
    assertThat(change().string("code")).isEqualTo("agent-restarted");
  }

  /** The agent is told so, and stays with what it has. */
  @Test
  void aServiceThatIsNewKnowsNothingOfAnOrderAndSaysSo() {
    client.post(path("c", "0.1.1", digest(jar)), jar);
    Command.Bundle order = order();
    assertThat(ask(new BundleRequest.Piece(order.id(), 0))).isNotEmpty();
    service.close();
    startService();
    assertThat(ask(new BundleRequest.Piece(order.id(), BundleRequest.PIECE))).isEmpty();
    assertThat(client.get("/computations/c/bundles/change").optionalObject("change")).isEmpty();
    comeAlive();
    client.post(path("c", "0.1.1", digest(jar)), jar);
  }

  @Test
  void anAgentSaysItsBundles() {
    CompletableFuture<JsonObject> listed =
        CompletableFuture.supplyAsync(() -> client.get("/computations/c/bundles"));
    await().until(() -> commands().stream().anyMatch(Command.Bundles.class::isInstance));
    String id = commands().get(0).id();
    ask(
        new BundleRequest.Listing(
            id, List.of(new BundleRequest.Listing.Standing("a.b", "0.1.0", "active"))));
    assertThat(listed.join().objects("bundles"))
        .extracting(one -> one.string("bundle") + one.string("version") + one.string("state"))
        .containsExactly("a.b0.1.0active");
  }

  /** Asks as an agent does: until there is an answer. */
  private byte[] ask(BundleRequest request) {
    String name = "q" + ++asked + "-";
    await()
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              if (answers(name).isEmpty()) {
                agent.send(
                    new Message(
                        agent.addresses.bundles(),
                        Map.of(Requester.HEADER, name),
                        ByteBuffer.wrap(request.toJson())));
              }
              return !answers(name).isEmpty();
            });
    return answers(name).get(0).bytes();
  }

  private List<Message> answers(String name) {
    return agent.received.stream()
        .filter(message -> message.address().endsWith("/down/replies"))
        .filter(
            message ->
                Objects.requireNonNullElse(message.headers().get(Requester.HEADER), "")
                    .startsWith(name))
        .toList();
  }

  private Command.Bundle order() {
    await().until(() -> commands().stream().anyMatch(Command.Bundle.class::isInstance));
    return commands().stream()
        .filter(Command.Bundle.class::isInstance)
        .map(Command.Bundle.class::cast)
        .findFirst()
        .orElseThrow();
  }

  private List<Command> commands() {
    return agent.received.stream()
        .filter(message -> message.address().endsWith("/down/commands"))
        .map(message -> Command.parse(message.bytes()))
        .toList();
  }

  private JsonObject change() {
    return client.get("/computations/c/bundles/change").object("change");
  }

  private HttpProblem problem(String id, String version, String sha256, byte[] body) {
    try {
      client.post(path(id, version, sha256), body);
    } catch (HttpProblem e) {
      return e;
    }
    throw new AssertionError("It was not refused.");
  }

  private static String path(String id, String version, String sha256) {
    return "/computations/%s/bundles?bundle=a.b&version=%s&sha256=%s"
        .formatted(id, version.replace(" ", "%20"), sha256.replace(" ", "%20"));
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
