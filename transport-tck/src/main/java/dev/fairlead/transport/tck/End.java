// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.fail;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One end, for an author's own tests beside the contract: an open transport, its settings, and all
 * that it was told and has received. What it waits for it waits for at most {@link #PATIENCE}, and
 * fails then. The lists grow while the transport is open; any thread may read them.
 */
public final class End implements TransportListener, AutoCloseable {

  /** A refusal, as it was told. */
  public record Refused(@Nullable String address, TransportException cause) {}

  /** How long anything may take. */
  public static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final long POLL_NANOS = 2_000_000;

  private final Map<String, String> settings = new ConcurrentHashMap<>();
  private final List<Transport.State> states = new CopyOnWriteArrayList<>();
  private final List<Refused> refusals = new CopyOnWriteArrayList<>();
  private final List<Message> received = new CopyOnWriteArrayList<>();
  private final Transport transport;

  private End(TransportProvider provider, Map<String, String> settings) {
    this.settings.putAll(settings);
    this.transport = provider.open(this.settings::get, this);
  }

  /** Opens one with these settings. */
  public static End open(TransportProvider provider, Map<String, String> settings) {
    return new End(provider, settings);
  }

  /** Opens one where an issuer says, with what it has issued. */
  public static End open(
      TransportProvider provider, Endpoint endpoint, @Nullable Credential credential) {
    return open(provider, settings(endpoint, credential));
  }

  private static Map<String, String> settings(Endpoint endpoint, @Nullable Credential credential) {
    Map<String, String> settings = new HashMap<>();
    settings.put(TransportProvider.ENDPOINT, endpoint.uri().toString());
    String ca = endpoint.caSha256();
    if (ca != null) {
      settings.put(TransportProvider.CA_SHA256, ca);
    }
    if (credential != null) {
      settings.put(TransportProvider.CREDENTIAL, credential.content());
    }
    return settings;
  }

  /** Changes a setting, for the next connect. */
  public void set(String name, String value) {
    settings.put(name, value);
  }

  /** The transport. */
  public Transport transport() {
    return transport;
  }

  /** The states that were told, in order. */
  public List<Transport.State> states() {
    return states;
  }

  /** The refusals that were told, in order. */
  public List<Refused> refusals() {
    return refusals;
  }

  /** The messages that came to what {@link #receives} has asked for. */
  public List<Message> received() {
    return received;
  }

  /** Subscribes; what comes is noted. */
  public End receives(String pattern) {
    transport.subscribe(pattern, received::add);
    return this;
  }

  /** Waits until it is connected. */
  public End connected() {
    return until("it is connected", () -> transport.state() == Transport.State.CONNECTED);
  }

  /** Waits until a state was told at any time. */
  public End awaitState(Transport.State state) {
    return until(state + " is told", () -> states.contains(state));
  }

  /** Waits until so many changes of state were told in all. */
  public End awaitStates(int count) {
    return until(count + " states are told", () -> states.size() >= count);
  }

  /** Waits until so many messages have come in all. */
  public End awaitReceived(int count) {
    return until(count + " messages are received", () -> received.size() >= count);
  }

  /** Waits until a refusal with a code was told, and returns the first. */
  public Refused awaitRefusal(String code) {
    until(code + " is told", () -> refusals.stream().anyMatch(r -> r.cause().code().equals(code)));
    return refusals.stream().filter(r -> r.cause().code().equals(code)).findFirst().orElseThrow();
  }

  /** Sends a text, and waits until that has succeeded; throws what it failed with. */
  public void send(String address, String text) throws InterruptedException {
    send(new Message(address, text.getBytes(UTF_8)));
  }

  /** Sends a message, and waits until that has succeeded; throws what it failed with. */
  public void send(Message message) throws InterruptedException {
    try {
      transport.send(message).toCompletableFuture().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TransportException why) {
        throw why;
      }
      throw new IllegalStateException("A send fails in the SPI's own way alone.", e.getCause());
    }
  }

  // Not by a library: those that wait are no modules, and the kit is one.
  private End until(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        fail(
            "Waited %s in vain until %s; told: %s, refused: %s."
                .formatted(PATIENCE, what, states, refusals));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return this;
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
