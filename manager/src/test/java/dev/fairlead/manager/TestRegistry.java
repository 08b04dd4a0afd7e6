// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.delivery.Responder;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

/** The registry's end of the link: a {@link FakeRegistry} that is asked by messages. */
final class TestRegistry implements AutoCloseable {

  final FakeRegistry registry = new FakeRegistry();
  final List<Event> events = new CopyOnWriteArrayList<>();
  final CompletableFuture<Void> mayAnswer = new CompletableFuture<>();
  private final Runner runner = Runner.start("test-registry");
  private final Switchboard link = new Switchboard(runner, SwitchboardListener.NONE);
  private final Responder responder;

  TestRegistry(CredentialIssuer issuer, boolean answers) {
    if (answers) {
      mayAnswer.complete(null);
    }
    Addresses own = Addresses.ofCollector("fl");
    Credential credential =
        issuer.issue(new Grant(own.party(), own.sends(), own.receives()), Duration.ofMinutes(10));
    responder =
        new Responder(
            link,
            Addresses.everyUp("fl", "requests"),
            from -> Addresses.parse(from).map(Addresses::replies),
            this::answer);
    var unused =
        link.subscribe(
            Addresses.everyUp("fl", "events"),
            message -> {
              for (String line :
                  new String(message.bytes(), StandardCharsets.UTF_8).split("\n", -1)) {
                events.add(Event.parse(line.getBytes(StandardCharsets.UTF_8)));
              }
              acknowledge(message);
            });
    var used =
        link.use(
            new MemoryTransportProvider(),
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> issuer.endpoint().uri().toString();
                  case TransportProvider.CREDENTIAL -> credential.content();
                  case TransportProvider.REPLIES -> own.replies();
                  default -> null;
                },
            Duration.ofSeconds(5));
    used.toCompletableFuture().join();
  }

  boolean connected() {
    return link.connected();
  }

  void greet(Switchboard agent, String computation) {
    agent
        .send(new Message(Addresses.ofComputation("fl", computation).hello(), new byte[0]))
        .toCompletableFuture()
        .join();
  }

  private CompletionStage<byte[]> answer(String address, String id, byte[] payload) {
    Request request = Request.parse(payload);
    Reply reply;
    try {
      if (request instanceof Request.Register register) {
        reply = ok(registry.register(register.manifest()));
      } else if (request instanceof Request.Renew renew) {
        reply = ok(registry.renew(renew.computation()));
      } else {
        Request.Ended ended = (Request.Ended) request;
        registry.ended(id, ended.computation(), ended.kind(), ended.reason());
        reply = new Reply.Ok(JsonObject.empty());
      }
    } catch (ManagerException e) {
      reply = new Reply.Refusal(e.code(), Optional.ofNullable(e.getMessage()).orElse("-"));
    }
    byte[] bytes = reply.toJson();
    return mayAnswer.thenApply(may -> bytes);
  }

  private void acknowledge(Message batch) {
    Map<String, String> headers = batch.headers();
    long last =
        Long.parseLong(headers.getOrDefault("fl-first", "1"))
            + Long.parseLong(headers.getOrDefault("fl-count", "1"))
            - 1;
    Addresses from = Addresses.parse(batch.address()).orElseThrow();
    var unused =
        link.send(
            new Message(
                from.acks(Addresses.EVENTS),
                Map.of(
                    "fl-v", "1",
                    "fl-epoch", headers.getOrDefault("fl-epoch", ""),
                    "fl-stored", Long.toString(last)),
                ByteBuffer.allocate(0)));
  }

  private static Reply ok(Registration registration) {
    return new Reply.Ok(registration.toJson());
  }

  @Override
  public void close() {
    responder.close();
    link.close();
    runner.close();
  }
}
