// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.fail;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Where the rules are tried: makes peers, waits for conditions, and clears up after each test. */
final class Workbench {

  /** How long the credentials of ordinary peers live. */
  static final Duration LIFETIME = Duration.ofHours(1);

  private static final long POLL_NANOS = 5_000_000;

  private static final String CALLER = "fairlead-tck-caller";

  private static final List<String> NOT_THE_TRANSPORTS =
      List.of(
          TcpRelay.THREADS,
          CALLER,
          "ForkJoinPool.commonPool",
          "process reaper",
          "surefire-",
          "junit-");

  private static final AtomicInteger FLEETS = new AtomicInteger();
  private static final AtomicInteger SUBJECTS = new AtomicInteger();

  private final Harness harness;
  private final LongSupplier seed;
  private final ThreadGroup group = Thread.currentThread().getThreadGroup();
  private final ConcurrentLinkedQueue<Peer> peers = new ConcurrentLinkedQueue<>();
  private final String run = Long.toString(ProcessHandle.current().pid(), 36);

  /**
   * Makes one. What threads are started from now on, by this thread and those that descend from it,
   * are the transport's or the kit's own.
   *
   * @param seed from which random choices follow; asked when one is made
   */
  Workbench(Harness harness, LongSupplier seed) {
    this.harness = harness;
    this.seed = seed;
  }

  /** From which the random choices of a test follow. */
  long seed() {
    return seed.getAsLong();
  }

  Harness harness() {
    return harness;
  }

  boolean has(Capability capability) {
    return harness.provider().capabilities().contains(capability);
  }

  /** A first segment that no other test uses. */
  String fleet() {
    return "tck-" + run + "-" + FLEETS.incrementAndGet();
  }

  /** A subject that no other test uses. */
  String subject() {
    return "s" + run + "-" + SUBJECTS.incrementAndGet();
  }

  /** A peer like an agent: sends what is up, receives what is down. Not yet open. */
  Peer agent(String fleet, String subject) {
    String own = fleet + "/" + subject;
    return peer(new Grant(subject, List.of(own + "/up/**"), List.of(own + "/down/**")));
  }

  /** A peer like a collector: receives what any agent sends, and sends down to each. */
  Peer collector(String fleet) {
    return peer(
        new Grant(
            subject(),
            List.of(fleet + "/*/down/**"),
            List.of(fleet + "/_collector/down/**", fleet + "/*/up/**")));
  }

  /** A peer that may receive what it sends: all below its own two segments. */
  Peer echo() {
    String subject = subject();
    String own = fleet() + "/" + subject + "/**";
    return peer(new Grant(subject, List.of(own), List.of(own)));
  }

  /** A peer with a fresh credential, which is not yet open. */
  Peer peer(Grant grant) {
    return peer(grant, harness.issuer().issue(grant, LIFETIME));
  }

  Peer peer(Grant grant, Credential credential) {
    Peer peer = new Peer(this, grant).with(credential);
    peers.add(peer);
    return peer;
  }

  /** Mends the peer, and closes all that a test has opened. */
  void clear() {
    harness.faults().mend();
    for (Peer peer = peers.poll(); peer != null; peer = peers.poll()) {
      if (peer.isOpen()) {
        peer.transport().close();
      }
    }
  }

  /** Waits for a condition, or fails with what was waited for. */
  void until(String what, BooleanSupplier condition) {
    until(() -> what, condition);
  }

  // Not by a library: those that wait are no modules, and the kit runs on the module path.
  void until(Supplier<String> what, BooleanSupplier condition) {
    long end = System.nanoTime() + harness.patience().toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        fail("Waited %s in vain until %s.".formatted(harness.patience(), what.get()));
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("Interrupted while waiting until " + what.get() + ".");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** Waits until an inbox holds so many messages. */
  void arrives(Inbox inbox, int count) {
    until(
        () -> "%d messages have arrived; %d have".formatted(count, inbox.size()),
        () -> inbox.size() >= count);
  }

  /**
   * Sends probes until a subscription of another peer is seen to stand: from then on it misses
   * nothing. The SPI has no other way to learn of it.
   */
  void stands(Inbox inbox, Peer sender, String address) {
    int before = inbox.probes();
    until(
        "the subscription to what is sent to " + address + " stands",
        () -> {
          sender.send(new Message(address, Map.of(Inbox.PROBE, "1"), ByteBuffer.allocate(0)));
          return inbox.probes() > before;
        });
  }

  /** Waits until a stage has succeeded. */
  void succeeds(CompletionStage<Void> stage) {
    Throwable failure = outcome(stage);
    if (failure != null) {
      fail("A send that must succeed failed: " + failure, failure);
    }
  }

  /** Waits until a stage has failed in the wanted category, and returns why. */
  TransportException fails(CompletionStage<Void> stage, TransportException.Category category) {
    Throwable failure = outcome(stage);
    if (failure == null) {
      return fail("A send succeeded that must fail as " + category + ".");
    }
    TransportException why =
        assertInstanceOf(TransportException.class, failure, "a send fails in the SPI's own way");
    assertEquals(category, why.category(), "category of " + why);
    requireWords(why);
    return why;
  }

  /** Waits until a stage is complete; null is success. */
  @Nullable Throwable outcome(CompletionStage<Void> stage) {
    try {
      stage.toCompletableFuture().get(harness.patience().toMillis(), TimeUnit.MILLISECONDS);
      return null;
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      return cause instanceof CompletionException && cause.getCause() != null
          ? cause.getCause()
          : cause;
    } catch (TimeoutException e) {
      return fail("A send was neither done nor failed after " + harness.patience() + ".", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Runs something that must return within the patience, whatever the peer does. */
  void returns(String what, Runnable action) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
                done.complete(null);
              } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
              }
            },
            CALLER);
    thread.setDaemon(true);
    thread.start();
    try {
      done.get(harness.patience().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      AssertionError blocked =
          new AssertionError("%s blocks its caller; it stands there.".formatted(what));
      blocked.setStackTrace(thread.getStackTrace());
      thread.interrupt();
      throw blocked;
    } catch (ExecutionException e) {
      throw new AssertionError(what + " threw " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** The live threads which a transport may have started: neither the kit's nor the platform's. */
  Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(this::isOfThisRun)
        .filter(thread -> NOT_THE_TRANSPORTS.stream().noneMatch(thread.getName()::startsWith))
        .collect(Collectors.toCollection(HashSet::new));
  }

  /** Several runs may share a JVM: each has a thread group of its own. */
  private boolean isOfThisRun(Thread thread) {
    ThreadGroup own = thread.getThreadGroup();
    return own != null && group.parentOf(own);
  }

  /** Keeps its thread busy for a moment, so that another has the time to get in its way. */
  static void dawdle() {
    for (int i = 0; i < 500; i++) {
      Thread.onSpinWait();
    }
  }

  /** A code is a stable word, and a message something to read. */
  static void requireWords(TransportException why) {
    if (!why.code().matches("[a-z][a-z0-9]*(-[a-z0-9]+)*")) {
      fail("The code '%s' is not lower-case words joined by hyphens.".formatted(why.code()));
    }
    if (why.getMessage() == null || why.getMessage().isBlank()) {
      fail("The refusal '%s' says nothing to a person.".formatted(why.code()));
    }
  }

  static Message message(String address, String text) {
    return new Message(address, text.getBytes(UTF_8));
  }

  static String text(Message message) {
    return new String(message.bytes(), UTF_8);
  }
}
