// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** A transport with its settings, and all that it was told. */
final class Peer implements TransportListener, AutoCloseable {

  record Refused(@Nullable String address, TransportException cause) {}

  final Map<String, String> settings = new ConcurrentHashMap<>();
  final List<Transport.State> states = new CopyOnWriteArrayList<>();
  final List<Refused> refusals = new CopyOnWriteArrayList<>();
  final List<Message> received = new CopyOnWriteArrayList<>();
  final Transport transport;

  Peer(Endpoint endpoint, @Nullable Credential credential) {
    this(endpoint.uri().toString(), endpoint.caSha256(), credential);
  }

  Peer(String endpoint, @Nullable String pin, @Nullable Credential credential) {
    this(endpoint, pin, credential, Map.of());
  }

  Peer(
      String endpoint,
      @Nullable String pin,
      @Nullable Credential credential,
      Map<String, String> more) {
    settings.putAll(more);
    settings.put(TransportProvider.ENDPOINT, endpoint);
    if (pin != null) {
      settings.put(TransportProvider.CA_SHA256, pin);
    }
    if (credential != null) {
      settings.put(TransportProvider.CREDENTIAL, credential.content());
    }
    transport = new MqttTransportProvider().open(settings::get, this);
  }

  /** The connection that it has now. */
  MqttLink link() {
    return (MqttLink) Objects.requireNonNull(((KeptTransport) transport).link());
  }

  /** Threads of all transports of this JVM. */
  static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.matches("fairlead-mqtt-\\d+|MQTT \\w+: fl-[0-9a-f]{16}"))
        .toList();
  }

  Peer connected() {
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> transport.state() == Transport.State.CONNECTED);
    return this;
  }

  Peer awaitStates(int count) {
    await().atMost(Duration.ofSeconds(15)).until(() -> states.size() >= count);
    return this;
  }

  Peer receives(String pattern) {
    transport.subscribe(pattern, received::add);
    return this;
  }

  void send(String address, String text) throws Exception {
    send(new Message(address, text.getBytes(UTF_8)));
  }

  void send(Message message) throws Exception {
    try {
      transport.send(message).toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw (Exception) Objects.requireNonNull(e.getCause());
    }
  }

  /** Sends without waiting; false where there is no room. */
  boolean trySend(String address, String text) {
    return !transport
        .send(new Message(address, text.getBytes(UTF_8)))
        .toCompletableFuture()
        .isCompletedExceptionally();
  }

  /** Waits until all that was sent is acknowledged. */
  void flush() throws Exception {
    link().flush(Duration.ofSeconds(10));
  }

  void awaitReceived(int count) {
    await().atMost(Duration.ofSeconds(10)).until(() -> received.size() >= count);
  }

  Refused awaitRefusal(String code) {
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> refusals.stream().anyMatch(r -> r.cause().code().equals(code)));
    return refusals.stream().filter(r -> r.cause().code().equals(code)).findFirst().orElseThrow();
  }

  @Override
  public void stateChanged(Transport.State state, String reason) {
    states.add(state);
  }

  @Override
  public void refused(@Nullable String address, TransportException refusal) {
    refusals.add(new Refused(address, refusal));
  }

  @Override
  public void close() {
    transport.close();
  }
}
