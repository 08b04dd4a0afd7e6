// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.net.URI;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Orders to change the transport, as the API gives them and an agent answers them. */
class SwapTest {

  private static final byte[] MANIFEST =
      """
      {"id":"c","name":"Sample","datasets":[],"ttl":60}"""
          .getBytes(UTF_8);
  private static final byte[] TO_SECOND = "{\"to\":\"second\"}".getBytes(UTF_8);

  @TempDir Path directory;
  private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
  private MemoryHub hub;
  private MemoryHub other;
  private MemoryIssuer issuer;
  private NamedTransport second;

  /** What was asked of the second transport's issuer. */
  private final List<String> asked = new CopyOnWriteArrayList<>();

  /** How far the service's clock is before the machine's. */
  private volatile Duration ahead = Duration.ZERO;

  private ComputationsService service;
  private JsonClient client;
  private TestPeer host;
  private TestPeer agent;

  @BeforeEach
  void start() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
    InstantSource clock = InstantSource.system();
    hub = later(MemoryHub.start("a" + UUID.randomUUID(), clock));
    other = later(MemoryHub.start("b" + UUID.randomUUID(), clock));
    issuer = later(new MemoryIssuer(hub, clock));
    second = new NamedTransport("second", later(new MemoryIssuer(other, clock)), asked::add);
    startService();
    Addresses mine = Addresses.ofHost("f", "1");
    host = later(new TestPeer(hub.uri(), mine, credentialOf(mine)));
    Reply reply = host.ask("r1", new Request.Register(MANIFEST));
    Registration registration = Registration.parse(((Reply.Ok) reply).result());
    agent =
        later(
            new TestPeer(
                hub.uri(),
                Addresses.ofComputation("f", registration.computation()),
                registration.credential()));
    agent.hello("e1", null);
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
    await().until(() -> one().object("agent").string("state").equals("connected"));
  }

  private String credentialOf(Addresses party) {
    return issuer
        .issue(
            new dev.fairlead.transport.access.Grant(party.party(), party.sends(), party.receives()),
            Duration.ofHours(1))
        .content();
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
                HttpSettings.loopback("computations", 0)),
            () -> Instant.now().plus(ahead));
    service.addProvider(new MemoryTransportProvider());
    service.addProvider(second.provider());
    service.addIssuer(issuer);
    service.addIssuer(second.issuer());
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
  void theOldCredentialEndsOnlyWhenTheAgentIsOnTheNewTransport() {
    JsonObject begun = client.post("/computations/c/swap", TO_SECOND).object("swap");
    assertThat(begun.string("state")).isEqualTo("under-way");
    assertThat(begun.string("from")).isEqualTo("memory");
    Command.Swap order = order();
    assertThat(order.id()).isEqualTo(begun.string("command"));
    assertThat(order.transport()).isEqualTo("second");

    TestPeer moved = moved(order);
    assertThat(agent.connected()).isTrue();
    moved.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "second", done(order));
    await().until(() -> swap().string("state").equals("done"));
    assertThat(one().object("agent").string("transport")).isEqualTo("second");
    await().until(() -> !agent.connected());
    assertThat(moved.connected()).as("the new one stands").isTrue();
    assertThat(one().object("credential").string("sha256")).isNotEmpty();
    assertThat(metrics())
        .contains(
            "fairlead_computations_agent_swaps_total{outcome=\"done\"} 1\n",
            "fairlead_computations_agent_swaps_total{outcome=\"failed\"} 0\n",
            "fairlead_computations_link_swaps_total{transport=\"second\",outcome=\"done\"} 0\n");

    assertThat(problem(TO_SECOND).code()).isEqualTo("same-transport");
    client.post("/computations/c/swap", "{\"to\":\"memory\"}".getBytes(UTF_8));
    await().until(() -> order(moved) != null);
  }

  @Test
  void anAgentThatStaysSaysWhyAndKeepsItsCredential() {
    client.post("/computations/c/swap", TO_SECOND);
    Command.Swap order = order();
    assertThat(problem(TO_SECOND).code()).as("two at once").isEqualTo("swap-under-way");
    agent.heartbeat(
        "e1",
        AgentState.RUNNING,
        Duration.ofSeconds(60),
        "memory",
        new Heartbeat.Swap(order.id(), false, "transport-not-permitted", "It is not measured."));
    await().until(() -> swap().string("state").equals("failed"));
    assertThat(swap().string("code")).isEqualTo("transport-not-permitted");
    assertThat(swap().string("message")).isEqualTo("It is not measured.");
    assertThat(agent.connected()).isTrue();
    client.post("/computations/c/swap", TO_SECOND); // it may be tried again
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsDone() {
    assertThat(problem("{\"to\":\"smoke\"}".getBytes(UTF_8)).code()).isEqualTo("unknown-transport");
    assertThat(problem("{}".getBytes(UTF_8)).status()).isEqualTo(400);
    assertThatThrownBy(() -> client.post("/computations/nobody/swap", TO_SECOND))
        .isInstanceOfSatisfying(HttpProblem.class, e -> assertThat(e.status()).isEqualTo(404));
    other.kill();
    await().until(() -> client.get("/health").string("status").equals("warn"));
    HttpProblem down = problem(TO_SECOND);
    assertThat(down.status()).isEqualTo(503);
    assertThat(down.code()).isEqualTo("not-listening");
    service.removeIssuer(second.issuer());
    assertThat(problem(TO_SECOND).code()).as("no credential").isEqualTo("unknown-transport");
    assertThat(client.get("/computations/c/swap").optionalObject("swap")).isEmpty();
    assertThat(agent.received.stream().filter(m -> m.address().endsWith("/commands"))).isEmpty();
  }

  @Test
  void aVmThatEndsMeanwhileEndsTheOrder() {
    client.post("/computations/c/swap", TO_SECOND);
    Reply reply = host.ask("end", new Request.Ended("c", "STOPPED", "done"));
    assertThat(reply).isInstanceOf(Reply.Ok.class);
    await().until(() -> swap().string("state").equals("failed"));
    assertThat(swap().string("code")).isEqualTo("agent-gone");
    assertThat(problem(TO_SECOND).code()).isEqualTo("run-is-over");
  }

  @Test
  void aServiceThatDiesInTheMiddleLearnsOfTheOutcomeWhenItIsBack() {
    client.post("/computations/c/swap", TO_SECOND);
    Command.Swap order = order();
    service.close();
    TestPeer moved = moved(order); // nobody hears its first word
    startService();
    assertThat(swap().string("state")).isEqualTo("under-way");
    assertThat(problem(TO_SECOND).code()).isEqualTo("swap-under-way");
    moved.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "second", done(order));
    await().until(() -> swap().string("state").equals("done"));
    await().until(() -> !agent.connected());
    assertThat(moved.connected()).isTrue();
  }

  @Test
  void anAgentBehindARelayCannotLeaveAndIsToldSo() {
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "vsock", null);
    await().until(() -> problem(TO_SECOND).code().equals("relayed"));
    assertThat(asked).doesNotContain("issue c");
    assertThatThrownBy(
            () ->
                client.post(
                    "/migration",
                    """
                    {"from":"vsock","to":"second","percent":100,"shadow":true}"""
                        .getBytes(UTF_8)))
        .isInstanceOfSatisfying(
            HttpProblem.class, e -> assertThat(e.code()).isEqualTo("unknown-transport"))
        .hasMessageContaining("relay");
  }

  @Test
  void anAgentThatLivesOnAndNeverSaysWhatBecameOfItStays() {
    client.post("/computations/c/swap", TO_SECOND);
    ahead = Duration.ofSeconds(34);
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
    String then = Instant.now().plusSeconds(30).toString();
    await().until(() -> one().object("agent").string("last_heard").compareTo(then) > 0);
    assertThat(swap().string("state")).as("it may yet try").isEqualTo("under-way");
    ahead = Duration.ofSeconds(36);
    await()
        .until(
            () -> {
              agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
              return swap().string("state").equals("failed");
            });
    assertThat(swap().string("code")).isEqualTo("no-answer");
    assertThat(asked).contains("issue c").doesNotContain("revoke c");
    ahead = Duration.ofSeconds(50);
    await().until(() -> asked.contains("revoke c"));
    assertThat(agent.connected()).as("the credential that it uses is good").isTrue();
  }

  @Test
  void anOrderThatNobodyAnsweredIsGivenAgain() {
    client.post("/computations/c/swap", TO_SECOND);
    Command.Swap order = order();
    ahead = Duration.ofSeconds(3);
    await().until(() -> commands() >= 2);
    assertThat(order(agent)).as("the same one").isEqualTo(order);
  }

  @Test
  void whoIsCopiedToSoonAfterItCameBackKeepsTheCredentialOfTheCopies() {
    client.post("/computations/c/swap", TO_SECOND);
    Command.Swap order = order();
    TestPeer moved = moved(order);
    moved.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "second", done(order));
    await().until(() -> swap().string("state").equals("done"));
    client.post("/computations/c/swap", "{\"to\":\"memory\"}".getBytes(UTF_8));
    await().until(() -> order(moved) != null);
    Command.Swap back = Objects.requireNonNull(order(moved));
    TestPeer again = later(new TestPeer(hub.uri(), agent.addresses, back.credential()));
    again.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(60), "memory", done(back));
    await().until(() -> swap().string("state").equals("done"));

    client.post(
        "/migration",
        """
        {"from":"memory","to":"second","percent":100,"shadow":true}"""
            .getBytes(UTF_8));
    await().until(() -> again.received.stream().anyMatch(SwapTest::isShadow));
    ahead = Duration.ofSeconds(10);
    await().until(() -> asked.contains("revoke c"));
    assertThat(asked).as("and nothing is left to be revoked").endsWith("revoke c", "issue c");
  }

  @Test
  void noOrderWhileABundleIsChangedAndNoBundleWhileAnOrderIsUnderWay() {
    byte[] jar = "no jar".getBytes(UTF_8);
    String bundles = "/computations/c/bundles?bundle=a.b&version=0.1.1&sha256=" + sha256(jar);
    client.post(bundles, jar);
    assertThat(problem(TO_SECOND).code()).isEqualTo("change-under-way");
    assertThat(asked).as("not even a credential").doesNotContain("issue c");
    assertThat(client.get("/computations/c/swap").optionalObject("swap")).isEmpty();

    agent.heartbeat("e2", AgentState.RUNNING, Duration.ofSeconds(60), "memory", null);
    await()
        .until(
            () ->
                client
                    .get("/computations/c/bundles/change")
                    .object("change")
                    .string("state")
                    .equals("failed"));
    client.post("/computations/c/swap", TO_SECOND);
    assertThatThrownBy(() -> client.post(bundles, jar))
        .isInstanceOfSatisfying(
            HttpProblem.class, e -> assertThat(e.code()).isEqualTo("swap-under-way"));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isCommand(Message message) {
    return message.address().endsWith("/down/commands");
  }

  private static boolean isShadow(Message message) {
    return isCommand(message) && Command.parse(message.bytes()) instanceof Command.Shadow;
  }

  private long commands() {
    return agent.received.stream().filter(SwapTest::isCommand).count();
  }

  private static Heartbeat.Swap done(Command.Swap order) {
    return new Heartbeat.Swap(order.id(), true, null, null);
  }

  /** The agent again, on the other transport. */
  private TestPeer moved(Command.Swap order) {
    return later(new TestPeer(other.uri(), agent.addresses, order.credential()));
  }

  private Command.Swap order() {
    await().until(() -> order(agent) != null);
    Command.Swap order = order(agent);
    assertThat(order).isNotNull();
    return order;
  }

  private static Command.@Nullable Swap order(TestPeer peer) {
    List<Command.Swap> orders =
        peer.received.stream()
            .filter(message -> message.address().endsWith("/down/commands"))
            .map(message -> Command.parse(message.bytes()))
            .filter(Command.Swap.class::isInstance)
            .map(Command.Swap.class::cast)
            .toList();
    return orders.isEmpty() ? null : orders.get(orders.size() - 1);
  }

  private String metrics() {
    return new String(client.getBytes("/metrics"), UTF_8);
  }

  private HttpProblem problem(byte[] body) {
    try {
      client.post("/computations/c/swap", body);
    } catch (HttpProblem e) {
      return e;
    }
    throw new AssertionError("It was not refused.");
  }

  private JsonObject one() {
    return client.get("/computations/c");
  }

  private JsonObject swap() {
    return client.get("/computations/c/swap").object("swap");
  }
}
