// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** One end in a test: a transport, what its settings are, and what its listener was told. */
final class Peer implements TransportListener {

  /** A change of state, as it was told. */
  record Change(Transport.State state, String reason) {}

  /** A refusal, as it was told. */
  record Refusal(@Nullable String address, TransportException why) {}

  /** As many sends as the contract lets be under way at once. */
  private static final int WINDOW = 16;

  private final Workbench workbench;
  private final Grant grant;
  private final Map<String, String> settings = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
  private final List<Change> changes = new CopyOnWriteArrayList<>();
  private final List<Refusal> refusals = new CopyOnWriteArrayList<>();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger mostAtOnce = new AtomicInteger();
  private volatile Runnable whenTold = () -> {};
  private volatile @Nullable Transport transport;

  Peer(Workbench workbench, Grant grant) {
    this.workbench = workbench;
    this.grant = grant;
    set(TransportProvider.ENDPOINT, workbench.harness().endpoint(grant.subject()).toString());
    set(TransportProvider.CA_SHA256, workbench.harness().issuer().endpoint().caSha256());
    set(TransportProvider.REPLIES, grant.receives().get(0).replaceFirst("/\\*\\*$", ""));
  }

  Peer set(String name, @Nullable String value) {
    if (value == null) {
      settings.remove(name);
    } else {
      settings.put(name, value);
    }
    return this;
  }

  Peer with(Credential credential) {
    return set(TransportProvider.CREDENTIAL, credential.content());
  }

  Peer whenTold(Runnable action) {
    whenTold = action;
    return this;
  }

  private @Nullable String setting(String name) {
    asked.computeIfAbsent(name, key -> new AtomicInteger()).incrementAndGet();
    String own = settings.get(name);
    return own != null ? own : workbench.harness().setting(name);
  }

  /** How often the transport has asked for a setting. */
  int asked(String name) {
    return asked.getOrDefault(name, new AtomicInteger()).get();
  }

  Peer open() {
    transport = workbench.harness().provider().open(this::setting, this);
    return this;
  }

  Peer connect() {
    return open().untilConnected();
  }

  Peer untilConnected() {
    workbench.until(
        () -> subject() + " is connected; told: " + changes + ", refused: " + refusals,
        () -> last() == Transport.State.CONNECTED);
    return this;
  }

  Peer untilConnecting() {
    workbench.until(
        () -> subject() + " notices the loss; told: " + changes,
        () -> last() == Transport.State.CONNECTING);
    return this;
  }

  /** Waits for a change that is told after so many others. */
  Peer untilTold(int seen, Transport.State state) {
    workbench.until(
        () -> subject() + " is told " + state + " after " + seen + " changes; told: " + changes,
        () -> List.copyOf(changes).stream().skip(seen).anyMatch(change -> change.state() == state));
    return this;
  }

  Peer untilRefused(@Nullable String address) {
    workbench.until(
        () -> subject() + " is told the refusal of " + address + "; told: " + refusals,
        () -> refused(address));
    return this;
  }

  boolean refused(@Nullable String address) {
    return refusals.stream().anyMatch(refusal -> Objects.equals(refusal.address(), address));
  }

  Transport transport() {
    return Objects.requireNonNull(transport, "The peer is not open.");
  }

  boolean isOpen() {
    return transport != null;
  }

  Grant grant() {
    return grant;
  }

  /** An address below the first two segments of what this peer may send. */
  String own(String rest) {
    String[] sends = grant.sends().get(0).split("/", -1);
    return sends[0] + "/" + sends[1] + "/" + rest;
  }

  String subject() {
    return grant.subject();
  }

  /** What was told last, null when nothing was. */
  Transport.@Nullable State last() {
    List<Change> told = List.copyOf(changes);
    return told.isEmpty() ? null : told.get(told.size() - 1).state();
  }

  List<Change> changes() {
    return List.copyOf(changes);
  }

  List<Refusal> refusals() {
    return List.copyOf(refusals);
  }

  /** The most calls of the listener that ever ran at the same time. */
  int mostAtOnce() {
    return mostAtOnce.get();
  }

  /** Subscribes with a handler that notes what it gets. */
  Inbox subscribe(String pattern) {
    Inbox inbox = new Inbox();
    transport().subscribe(pattern, inbox);
    return inbox;
  }

  CompletionStage<Void> send(Message message) {
    return transport().send(message);
  }

  /** Sends one message, and waits until that has succeeded. */
  void deliver(Message message) {
    workbench.succeeds(send(message));
  }

  void deliver(String address, String text) {
    deliver(Workbench.message(address, text));
  }

  /** Sends many, a few at a time, and waits until all have succeeded. */
  void deliverAll(int count, IntFunction<Message> messages) {
    Semaphore window = new Semaphore(WINDOW);
    List<CompletionStage<Void>> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      acquire(window);
      CompletionStage<Void> stage = send(messages.apply(i));
      stages.add(stage.whenComplete((done, failure) -> window.release()));
    }
    stages.forEach(workbench::succeeds);
  }

  private void acquire(Semaphore window) {
    try {
      assertTrue(
          window.tryAcquire(workbench.harness().patience().toMillis(), TimeUnit.MILLISECONDS),
          "no send completes any more");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void stateChanged(Transport.State state, String reason) {
    note(() -> changes.add(new Change(state, reason)));
  }

  @Override
  public void refused(@Nullable String address, TransportException refusal) {
    note(() -> refusals.add(new Refusal(address, refusal)));
  }

  private void note(Runnable noting) {
    mostAtOnce.accumulateAndGet(running.incrementAndGet(), Math::max);
    try {
      noting.run();
      whenTold.run();
    } finally {
      running.decrementAndGet();
    }
  }
}
