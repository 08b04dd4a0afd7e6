// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole service over the reference transport, with real files, database and HTTP. */
class ComputationsServiceTest {

  private static final Duration FAST = Duration.ofMillis(200);
  private static final byte[] MANIFEST =
      """
      {"id":"123","name":"Sample","datasets":[],"ttl":60}"""
          .getBytes(UTF_8);

  @TempDir Path directory;
  private final Deque<AutoCloseable> peers = new ArrayDeque<>();
  private MemoryHub hub;
  private MemoryIssuer issuer;
  private ComputationsService service;
  private JsonClient client;
  private TestPeer host;

  @BeforeEach
  void start() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40));
    hub = MemoryHub.start("h" + UUID.randomUUID(), InstantSource.system());
    issuer = new MemoryIssuer(hub, InstantSource.system());
    startService(Duration.ofHours(1));
    host = peer(Addresses.ofHost("f", "1"));
  }

  @AfterEach
  void stop() throws Exception {
    while (!peers.isEmpty()) {
      peers.pop().close();
    }
    service.close();
    issuer.close();
    Awaitility.reset();
  }

  @Test
  void leadsAComputationFromItsRegistrationToItsEnd() {
    Registration registration = register();
    assertThat(registration.computation()).isEqualTo("123");
    assertThat(registration.transports()).hasSize(1);
    assertThat(one("123").object("vm").string("state")).isEqualTo("starting");
    assertThat(agent("123").string("state")).isEqualTo("starting");

    TestPeer agent = agent(registration);
    agent.hello("e1", null);
    await().until(() -> !manifests(agent).isEmpty());
    ManifestEnvelope envelope = manifests(agent).get(0);
    assertThat(envelope.computation()).isEqualTo("123");
    assertThat(envelope.manifest()).isEqualTo(MANIFEST);
    await().until(() -> one("123").object("vm").string("state").equals("booted"));
    assertThat(agent("123").string("state")).isEqualTo("connected");

    agent.heartbeat("e1", AgentState.RUNNING, FAST);
    await().until(() -> agent("123").optionalString("work").isPresent());
    JsonObject shown = agent("123");
    assertThat(shown.string("work")).isEqualTo("Running");
    assertThat(shown.object("outbox").integer("queued", 0, 9)).isEqualTo(3);
    assertThat(Instant.parse(shown.string("last_heard")))
        .as("by the receiver's clock, the sender's is a day off")
        .isBetween(Instant.now().minusSeconds(60), Instant.now());
    await().until(() -> agent("123").string("state").equals("disconnected"));
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(5));
    await().until(() -> agent("123").string("state").equals("connected"));

    assertThat(host.ask("end", new Request.Ended("123", "KILLED", "signal-9")))
        .isInstanceOf(Reply.Ok.class);
    assertThat(agent("123").string("state")).isEqualTo("gone");
    JsonObject end = one("123").object("vm").object("end");
    assertThat(end.string("kind")).isEqualTo("KILLED");
    assertThat(end.string("reason")).isEqualTo("signal-9");
    await().until(() -> !agent.connected());
    await().until(() -> agent.refusals.stream().anyMatch(code -> code.contains("revoked")));
    assertThat(host.connected()).as("nobody else's connection ends").isTrue();

    await().until(() -> lines("123", "events", "").size() >= 5);
    assertThat(lines("123", "events", ""))
        .extracting(line -> Event.parse(line.getBytes(UTF_8)).status())
        .startsWith("Connected")
        .contains("Disconnected")
        .endsWith("Gone");
  }

  @Test
  void storesEachLineOnceAndShowsThemLive() throws Exception {
    TestPeer agent = agent(register());
    agent.hello("e1", null);
    OutStream logs = agent.stream("logs", "e1");
    int count = 10_000;
    List<String> written = new ArrayList<>();
    try (BufferedReader following = follow("123", "logs", "?follow=true")) {
      for (int i = 1; i <= count; i++) {
        String line = "{\"n\":%d}".formatted(i);
        written.add(line);
        logs.append(line.getBytes(UTF_8));
        if (i == count / 3) {
          hub.kill();
          hub.restart();
        }
      }
      List<String> seen = new ArrayList<>();
      while (seen.size() < count) {
        String line = following.readLine();
        assertThat(line).isNotNull();
        if (!line.isEmpty()) {
          seen.add(line);
        }
      }
      assertThat(seen).isEqualTo(written);
    }
    await().until(() -> logs.books().delivered() == count);
    assertThat(logs.books().balanced()).isTrue();
    JsonObject book = books("123").get(0);
    assertThat(book.string("stream")).isEqualTo("logs");
    assertThat(book.integer("stored", 0, count)).isEqualTo(count);
    assertThat(book.integer("lost", 0, 0)).isZero();
    assertThat(book.integer("run", 1, 1)).isEqualTo(1);
    assertThat(lines("123", "logs", "?from=9999")).isEqualTo(written.subList(9998, 10_000));
    assertThat(lines("123", "logs", "?tail=2")).isEqualTo(written.subList(9998, 10_000));
    assertThat(lines("123", "logs", "?from=10001")).isEmpty();
  }

  @Test
  void aRestartOfTheServiceLosesNothing() throws Exception {
    TestPeer agent = agent(register());
    agent.hello("e1", null);
    await().until(() -> !manifests(agent).isEmpty());
    OutStream logs = agent.stream("logs", "e1");
    logs.append("{\"n\":1}".getBytes(UTF_8));
    await().until(() -> logs.books().delivered() == 1);
    service.close();
    logs.append("{\"n\":2}".getBytes(UTF_8));
    startService(Duration.ofHours(1));
    assertThat(agent("123").string("state")).isEqualTo("connected");
    await().until(() -> lines("123", "logs", "").size() == 2);
    await().until(() -> logs.books().delivered() == 2);
    assertThat(lines("123", "logs", "")).containsExactly("{\"n\":1}", "{\"n\":2}");

    // A hello may have been said while nobody listened: a heartbeat of one that waits does, too.
    int before = manifests(agent).size();
    agent.heartbeat("e1", AgentState.RECEIVING_MANIFEST, FAST);
    await().until(() -> manifests(agent).size() > before);
  }

  @Test
  void anOutageOfTheBrokerMakesNobodyGoneOrDisconnected() {
    TestPeer agent = agent(register());
    agent.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(1));
    await().until(() -> agent("123").string("state").equals("connected"));
    hub.kill();
    await().until(() -> !health().string("status").equals("pass"));
    await()
        .during(Duration.ofSeconds(4))
        .atMost(Duration.ofSeconds(10))
        .until(() -> agent("123").string("state").equals("connected"));
    hub.restart();
    await().until(() -> health().string("status").equals("pass"));
    await().until(() -> agent("123").string("state").equals("disconnected"));
  }

  @Test
  void aRestartedComputationKeepsItsIdAndBothHistories() throws Exception {
    Registration first = register();
    TestPeer one = agent(first);
    one.hello("e1", null);
    OutStream logs = one.stream("logs", "e1");
    logs.append("{\"run\":1}".getBytes(UTF_8));
    await().until(() -> logs.books().delivered() == 1);

    assertThat(refusal(host.ask("r1", new Request.Renew("123")))).isEqualTo("vm-not-ended");
    host.ask("e1", new Request.Ended("123", "CRASHED", "guest-panic"));
    Registration second = registration(host.ask("r2", new Request.Renew("123")));
    assertThat(second.computation()).isEqualTo("123");
    assertThat(second.credential()).isNotEqualTo(first.credential());
    assertThat(registration(host.ask("r2", new Request.Renew("123"))).credential())
        .as("the same question gets the same answer")
        .isEqualTo(second.credential());
    await().until(() -> !one.connected());
    await().until(() -> lines("123", "logs", "").size() == 2);
    assertThat(lines("123", "logs", "").get(1))
        .contains("\"epoch\":\"e1\"", "\"first\":2", "lost-with-agent");

    TestPeer two = agent(second);
    two.hello("e2", null);
    OutStream more = two.stream("logs", "e2");
    more.append("{\"run\":2}".getBytes(UTF_8));
    await().until(() -> more.books().delivered() == 1);
    assertThat(lines("123", "logs", "")).startsWith("{\"run\":1}").endsWith("{\"run\":2}");
    assertThat(lines("123", "logs", "?run=latest")).endsWith("{\"run\":2}");
    assertThat(lines("123", "logs", "?run=2")).doesNotContain("{\"run\":1}");
    assertThat(lines("123", "logs", "?run=1")).hasSize(3);
    assertProblem(400, "bad-query", "/computations/123/logs?run=3");
    JsonObject shown = one("123");
    assertThat(shown.integer("run", 1, 9)).isEqualTo(2);
    assertThat(shown.objects("runs"))
        .extracting(run -> run.object("vm").string("state"))
        .containsExactly("ended", "booted");
    assertThat(books("123")).extracting(book -> book.integer("run", 1, 2)).containsExactly(1L, 2L);

    two.send(new Message(two.addresses.hello(), hello("123", "e1")));
    await().until(() -> refused("stale-epoch") == 1);
  }

  @Test
  void theSameComputationTwiceIsTwo() {
    assertThat(register().computation()).isEqualTo("123");
    assertThat(register().computation()).isEqualTo("123-2");
    JsonObject list = get("/computations");
    assertThat(list.objects("computations"))
        .extracting(computation -> computation.string("id"))
        .containsExactly("123", "123-2");
    assertThat(list.integer("revision", 1, 100)).isGreaterThanOrEqualTo(2);
  }

  @Test
  void aCredentialIsRenewedWithoutLoss() throws Exception {
    service.close();
    startService(Duration.ofSeconds(12));
    Registration registration = register();
    TestPeer agent = agent(registration);
    agent.hello("e1", null);
    await().until(() -> !credentials(agent).isEmpty());
    Command.Credential first = credentials(agent).get(0);
    // At once, as an agent does: the one it has ends soon, and whatever is said after that is lost.
    agent.credential = first.credential();
    assertThat(first.transport()).isEqualTo("memory");
    assertThat(first.expiresAt()).isAfter(registration.credentialExpiresAt());
    await().until(() -> credentials(agent).size() >= 2);
    agent.hello("e1", null);
    await()
        .until(
            () -> credentials(agent).stream().map(Command.Credential::id).distinct().count() >= 2);
    assertThat(one("123").object("credential").string("sha256")).hasSize(64);
  }

  @Test
  void anAgentWhoseCredentialEndsIsGone() {
    service.close();
    startService(Duration.ofSeconds(1));
    register();
    await().until(() -> agent("123").string("state").equals("gone"));
    assertThat(one("123").object("vm").string("state")).isEqualTo("starting");
  }

  @Test
  void refusesAndCountsWhatIsNotInOrder() {
    assertThat(refusal(host.ask("a", new Request.Renew("nobody"))))
        .isEqualTo("unknown-computation");
    assertThat(refusal(host.ask("b", new Request.Register("{\"id\":\"_x\"}".getBytes(UTF_8)))))
        .isEqualTo("bad-id");
    assertThat(refusal(host.ask("c", new Request.Register("no json".getBytes(UTF_8)))))
        .isNotEmpty();
    register();
    TestPeer other = peer(Addresses.ofHost("f", "2"));
    assertThat(refusal(other.ask("d", new Request.Ended("123", "KILLED", "x"))))
        .isEqualTo("not-your-computation");

    Credential stray = issue(Addresses.ofComputation("f", "stray"));
    TestPeer unknown =
        keep(new TestPeer(hub.uri(), Addresses.ofComputation("f", "stray"), stray.content()));
    unknown.hello("e", null);
    await().until(() -> refused("unknown-computation") >= 2);
    TestPeer agent = keep(agentWithoutRegistration("123"));
    agent.send(new Message(agent.addresses.hello(), hello("another", "e")));
    await().until(() -> refused("false-name") == 1);
    agent.send(new Message(agent.addresses.hello(), "{".getBytes(UTF_8)));
    await().until(() -> refused("bad-hello") == 1);
    agent.send(new Message(agent.addresses.heartbeat(), new byte[100_000]));
    await().until(() -> refused("bad-heartbeat") == 1);
    agent.send(new Message(agent.addresses.up("logs"), "no batch".getBytes(UTF_8)));
    await().until(() -> health().object("inbox").integer("refused", 0, 10) == 1);
    assertThat(manifests(agent)).isEmpty();
    assertThat(manifests(unknown)).isEmpty();
  }

  @Test
  void aManagersEventsAreShownWithTheComputationsOwn() throws Exception {
    register();
    OutStream events = host.stream("events", "h1");
    events.append(new Event("VmRunning", "Completed", Instant.now(), "123", "manager").toJson());
    await().until(() -> lines("123", "events", "").size() == 1);
    assertThat(lines("123", "events", "").get(0)).contains("VmRunning");
  }

  @Test
  void recordsThatAreNoJsonDoNotBreakTheAnswer() throws Exception {
    TestPeer agent = agent(register());
    OutStream logs = agent.stream("logs", "e1");
    logs.append(new byte[] {(byte) 0xff, 0x00, '"'});
    logs.append("{\"n\":1}".getBytes(UTF_8));
    await().until(() -> lines("123", "logs", "").size() == 2);
    List<String> lines = lines("123", "logs", "");
    assertThat(
            Json.parseObject(lines.get(0).getBytes(UTF_8), 4096).object("unreadable").string("hex"))
        .isEqualTo("ff0022");
    assertThat(lines.get(1)).isEqualTo("{\"n\":1}");
  }

  @Test
  void aReaderMayReadEverythingAndSayNothing() throws Exception {
    JsonObject reader = client.post("/readers", "{\"lifetime_s\":60}".getBytes(UTF_8));
    assertThat(reader.string("uri")).isEqualTo(hub.uri().toString());
    assertThat(reader.strings("receives")).containsExactly("f/*/up/**");
    Addresses nobody = new Addresses("f", reader.string("subject"));
    TestPeer listening = keep(new TestPeer(hub.uri(), nobody, reader.string("credential")));
    await().until(listening::connected);
    TestPeer agent = agent(register());
    List<Message> heard = new ArrayList<>();
    listening.subscribe(
        "f/*/up/**",
        message -> {
          synchronized (heard) {
            heard.add(message);
          }
        });
    await()
        .until(
            () -> {
              agent.hello("e1", null);
              synchronized (heard) {
                return !heard.isEmpty();
              }
            });
    listening.send(new Message("f/123/down/commands", "{}".getBytes(UTF_8)));
    await().until(() -> !listening.refusals.isEmpty());
  }

  @Test
  void answersBadQuestionsClearly() {
    assertProblem(404, "unknown-computation", "/computations/nobody");
    assertProblem(404, "unknown-computation", "/computations/nobody/logs");
    assertProblem(400, "bad-id", "/computations/_x");
    assertProblem(400, "bad-id", "/computations/a%2Fb/events");
    register();
    assertProblem(400, "bad-query", "/computations/123/logs?from=0");
    assertProblem(400, "bad-query", "/computations/123/logs?follow=perhaps");
    assertThatThrownBy(() -> client.post("/readers", "[]".getBytes(UTF_8)))
        .isInstanceOfSatisfying(HttpProblem.class, e -> assertThat(e.status()).isEqualTo(400));
    assertThat(client.getBytes("/computations/123/manifest")).isEqualTo(MANIFEST);
  }

  @Test
  void stopsAComputationByCommand() {
    TestPeer agent = agent(register());
    await().until(agent::connected);
    agent.hello("e1", null);
    await().until(() -> !manifests(agent).isEmpty());
    client.post("/computations/123/stop", "{}".getBytes(UTF_8));
    await().until(() -> commands(agent).stream().anyMatch(Command.Stop.class::isInstance));
  }

  @Test
  void aTransportThatStoresNothingIsRefusedWhereItIsToStore() {
    service.close();
    Settings delivered = settings(Duration.ofHours(1));
    service =
        ComputationsService.start(
            new Settings(
                delivered.fleet(),
                delivered.transport(),
                delivered.directory(),
                delivered.lifetime(),
                delivered.segmentBytes(),
                delivered.syncInterval(),
                delivered.http(),
                AckLevel.STORED),
            InstantSource.system());
    TransportProvider storesNothing = new MemoryTransportProvider();
    assertThat(storesNothing.capabilities()).doesNotContain(TransportProvider.Capability.STORED);
    assertThatThrownBy(() -> service.addProvider(storesNothing))
        .isInstanceOfSatisfying(
            ComputationException.class, e -> assertThat(e.code()).isEqualTo("no-store"))
        .hasMessageContaining("forget=delivered");
  }

  @Test
  void startsWithoutABrokerAndWithoutAnIssuer() {
    service.close();
    service = ComputationsService.start(settings(Duration.ofHours(1)), InstantSource.system());
    client = new JsonClient(URI.create("http://127.0.0.1:" + service.port()), null);
    assertThat(health().string("status")).isEqualTo("warn");
    assertThat(health().object("link").bool("issuer")).isFalse();
    hub.kill();
    service.addProvider(new MemoryTransportProvider());
    service.addIssuer(issuer);
    await().until(() -> health().object("link").bool("issuer"));
    hub.restart();
    await().until(() -> health().string("status").equals("pass"));
    assertThat(register().computation()).isEqualTo("123");
  }

  @Test
  void listensOnSeveralTransportsAndLosesOneAtRunTime() throws Exception {
    try (MemoryHub other = MemoryHub.start("o" + UUID.randomUUID(), InstantSource.system());
        MemoryIssuer behind = new MemoryIssuer(other, InstantSource.system())) {
      NamedTransport second = new NamedTransport("second", behind);
      service.addProvider(second.provider());
      service.addIssuer(second.issuer());
      await().until(() -> health().array("links").objects().size() == 2);
      await().until(() -> health().string("status").equals("pass"));
      Registration registration = register();
      assertThat(registration.transports())
          .extracting(TransportFact::name)
          .containsExactly("memory", "second");

      TestPeer agent = agent(registration);
      agent.hello("e1", null);
      await().until(() -> !manifests(agent).isEmpty());
      assertThat(agent("123").string("heard_on")).isEqualTo("memory");
      Addresses own = agent.addresses;
      TestPeer moved =
          new TestPeer(
              other.uri(),
              own,
              behind
                  .issue(new Grant(own.party(), own.sends(), own.receives()), Duration.ofMinutes(5))
                  .content());
      peers.push(moved);
      OutStream logs = agent.stream("logs", "e1");
      logs.append("{\"n\":1}".getBytes(UTF_8));
      await().until(() -> logs.books().delivered() == 1);
      OutStream rest = moved.stream("logs", "e1");
      rest.append("{\"n\":1}".getBytes(UTF_8)); // as one who has not heard the acknowledgement
      rest.append("{\"n\":2}".getBytes(UTF_8));
      await().until(() -> rest.books().delivered() == 2);
      assertThat(lines("123", "logs", "")).containsExactly("{\"n\":1}", "{\"n\":2}");
      moved.heartbeat("e1", AgentState.RUNNING, Duration.ofSeconds(5));
      await().until(() -> agent("123").string("heard_on").equals("second"));
      client.post("/computations/123/stop", "{}".getBytes(UTF_8));
      await().until(() -> commands(moved).stream().anyMatch(Command.Stop.class::isInstance));

      service.removeProvider(second.provider());
      assertThat(health().array("links").objects()).hasSize(1);
      assertThat(agent("123").optionalString("heard_on")).isEmpty();
      assertThat(health().string("status")).isEqualTo("pass");
      assertThat(host.ask("end", new Request.Ended("123", "STOPPED", "done")))
          .as("the other transport goes on")
          .isInstanceOf(Reply.Ok.class);
      service.removeIssuer(second.issuer());
    }
  }

  @Test
  void aTakenPortIsToldAndLeavesNothingOpen() {
    int taken = service.port();
    Settings same =
        new Settings(
            "f",
            "memory",
            directory.resolve("other"),
            Duration.ofHours(1),
            64 << 10,
            Duration.ofMillis(5),
            HttpSettings.loopback("computations", taken));
    assertThatThrownBy(() -> ComputationsService.start(same, InstantSource.system()))
        .isInstanceOfSatisfying(
            HttpProblem.class, e -> assertThat(e.code()).isEqualTo("port-taken"));
    Settings free =
        new Settings(
            "f",
            "memory",
            directory.resolve("other"),
            Duration.ofHours(1),
            64 << 10,
            Duration.ofMillis(5),
            HttpSettings.loopback("computations", 0));
    ComputationsService.start(free, InstantSource.system()).close();
  }

  private void startService(Duration lifetime) {
    service = ComputationsService.start(settings(lifetime), InstantSource.system());
    service.addProvider(new MemoryTransportProvider());
    service.addIssuer(issuer);
    client = new JsonClient(URI.create("http://127.0.0.1:" + service.port()), null);
    await().until(() -> health().string("status").equals("pass"));
  }

  private Settings settings(Duration lifetime) {
    return new Settings(
        "f",
        "memory",
        directory.resolve("state"),
        lifetime,
        64 << 10,
        Duration.ofMillis(5),
        HttpSettings.loopback("computations", 0));
  }

  private Registration register() {
    return registration(host.ask(UUID.randomUUID().toString(), new Request.Register(MANIFEST)));
  }

  private static Registration registration(Reply reply) {
    if (reply instanceof Reply.Ok ok) {
      return Registration.parse(ok.result());
    }
    throw new AssertionError(reply.toString());
  }

  private static String refusal(Reply reply) {
    if (reply instanceof Reply.Refusal refusal) {
      return refusal.code();
    }
    throw new AssertionError(reply.toString());
  }

  private TestPeer agent(Registration registration) {
    return keep(
        new TestPeer(
            hub.uri(),
            Addresses.ofComputation("f", registration.computation()),
            registration.credential()));
  }

  private TestPeer agentWithoutRegistration(String id) {
    Addresses addresses = Addresses.ofComputation("f", id);
    return new TestPeer(hub.uri(), addresses, issue(addresses).content());
  }

  private TestPeer peer(Addresses addresses) {
    return keep(new TestPeer(hub.uri(), addresses, issue(addresses).content()));
  }

  private Credential issue(Addresses addresses) {
    return issuer.issue(
        new Grant(addresses.party(), addresses.sends(), addresses.receives()), Duration.ofHours(1));
  }

  private TestPeer keep(TestPeer peer) {
    peers.push(peer);
    return peer;
  }

  private static byte[] hello(String id, String epoch) {
    return new dev.fairlead.protocol.Hello(
            id,
            epoch,
            Instant.now(),
            AgentState.IDLE,
            Duration.ZERO,
            "memory",
            null,
            TestPeer.VERSION)
        .toJson();
  }

  private static List<ManifestEnvelope> manifests(TestPeer agent) {
    return agent.received.stream()
        .filter(message -> message.address().endsWith("/down/manifest"))
        .map(message -> ManifestEnvelope.parse(message.bytes()))
        .toList();
  }

  private static List<Command> commands(TestPeer agent) {
    return agent.received.stream()
        .filter(message -> message.address().endsWith("/down/commands"))
        .map(message -> Command.parse(message.bytes()))
        .toList();
  }

  private static List<Command.Credential> credentials(TestPeer agent) {
    return commands(agent).stream()
        .filter(Command.Credential.class::isInstance)
        .map(Command.Credential.class::cast)
        .toList();
  }

  private JsonObject get(String path) {
    return client.get(path);
  }

  private JsonObject one(String id) {
    return get("/computations/" + id);
  }

  private JsonObject agent(String id) {
    return one(id).object("agent");
  }

  private List<JsonObject> books(String id) {
    return get("/computations/" + id + "/books").objects("books");
  }

  private JsonObject health() {
    return get("/health");
  }

  private long refused(String code) {
    return health()
        .object("refusals")
        .optionalObject(code)
        .map(refusal -> refusal.integer("count", 0, Long.MAX_VALUE))
        .orElse(0L);
  }

  private List<String> lines(String id, String stream, String query) {
    String body = new String(client.getBytes("/computations/" + id + "/" + stream + query), UTF_8);
    return Arrays.stream(body.split("\n")).filter(line -> !line.isEmpty()).toList();
  }

  private BufferedReader follow(String id, String stream, String query) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:%d/computations/%s/%s%s"
                        .formatted(service.port(), id, stream, query)))
            .build();
    return new BufferedReader(
        new InputStreamReader(
            HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofInputStream())
                .body(),
            UTF_8));
  }

  private void assertProblem(int status, String code, String path) {
    assertThatThrownBy(() -> client.get(path))
        .isInstanceOfSatisfying(
            HttpProblem.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.status()).isEqualTo(status);
            });
  }
}
