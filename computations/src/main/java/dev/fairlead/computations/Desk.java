// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Epoch;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Run;
import dev.fairlead.computations.registry.VmState;
import dev.fairlead.computations.store.Book;
import dev.fairlead.computations.store.GapLine;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.ComputationDigest;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.TransportException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Answers what managers ask. A request may come several times: its id makes sure that it is carried
 * out once. An answer that is no longer remembered is made anew, with another credential for the
 * same run, since credentials are never written down.
 *
 * <p>Used by one thread at a time. Methods block for as long as database and issuers take.
 */
final class Desk {

  private static final System.Logger LOG = System.getLogger(Desk.class.getName());

  private static final long NOTE_SECONDS = 5;

  /** Ends that leave the agent no time to deliver what it holds. */
  private static final Set<String> ABRUPT = Set.of("crashed", "killed");

  private final String fleet;
  private final InstantSource clock;
  private final Access access;
  private final Registry registry;
  private final RecordStore store;
  private final Liveness liveness;
  private final Renewals renewals;
  private final Reception reception;
  private final Refusals refusals;

  Desk(
      String fleet,
      InstantSource clock,
      Access access,
      Registry registry,
      RecordStore store,
      Liveness liveness,
      Renewals renewals,
      Reception reception,
      Refusals refusals) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.clock = requireNonNull(clock, "clock is null");
    this.access = requireNonNull(access, "access is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.store = requireNonNull(store, "store is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.renewals = requireNonNull(renewals, "renewals is null");
    this.reception = requireNonNull(reception, "reception is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
  }

  /**
   * Answers a request; what goes wrong is an answer too.
   *
   * @param host the manager, as its address names it
   * @param requestId as its header gives it, 1 to 64 characters
   * @throws ComputationException when the end of a VM could not be written down now: that question
   *     comes again under its id, so the answer must not be remembered
   */
  Reply answer(String host, String requestId, byte[] payload) {
    try {
      return new Reply.Ok(carryOut(host, requestId, Request.parse(payload)));
    } catch (ProtocolException e) {
      return refuse(host, e.code(), e);
    } catch (ComputationException e) {
      Reply refusal = refuse(host, e.code(), e);
      if (e.category() == ComputationException.Category.RETRY && isEnd(payload)) {
        throw e;
      }
      return refusal;
    } catch (TransportException e) {
      return refuse(host, e.code(), e);
    } catch (RuntimeException e) {
      String number = UUID.randomUUID().toString();
      LOG.log(ERROR, "A request of " + host + " failed unexpectedly, number " + number, e);
      return refuse(
          host,
          "internal",
          new IllegalStateException(
              "This failed unexpectedly: look for %s in the log.".formatted(number)));
    }
  }

  /** Does what was left undone: revokes the credentials of runs whose VM has ended. */
  void revokeWhatEnded() {
    for (Computation computation : registry.toRevoke()) {
      revoke(computation);
    }
  }

  /**
   * Ends the streams of runs whose VM ended some time ago: where the guest died, or was killed,
   * whatever its agent still held is lost, and a line says so.
   *
   * @param before a time by which nothing of such a run can be on its way any more
   */
  void closeWhatEnded(Instant before) {
    for (Computation computation : registry.toClose(before)) {
      String id = computation.id();
      Run run = computation.run();
      if (store.books(id).stream().anyMatch(book -> isAfter(book.until(), before))) {
        continue; // something of it came just now: there may be more
      }
      if (run.endKind() != null && ABRUPT.contains(run.endKind().toLowerCase(Locale.ROOT))) {
        Set<String> epochs =
            registry.epochs(id).stream()
                .filter(epoch -> epoch.run() == run.number())
                .map(Epoch::name)
                .collect(Collectors.toSet());
        for (Book book : store.books(id)) {
          if (epochs.contains(book.epoch())) {
            noteLost(id, book);
          }
        }
      }
      registry.closed(id, run.number());
    }
  }

  private static boolean isAfter(@Nullable Instant time, Instant other) {
    return time != null && time.isAfter(other);
  }

  private void noteLost(String id, Book book) {
    byte[] line =
        GapLine.of(
            Addresses.ofComputation(fleet, id).stream(book.stream()),
            book.epoch(),
            book.storedUpTo() + 1,
            OptionalLong.empty(),
            "lost-with-agent",
            clock.instant());
    try {
      store
          .note(id, book.stream(), line)
          .toCompletableFuture()
          .orTimeout(NOTE_SECONDS, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      throw new ComputationException(
          ComputationException.Category.RETRY,
          "store-failed",
          "The end of a stream was not noted, which is tried again: " + e.getMessage(),
          e);
    }
  }

  private JsonObject carryOut(String host, String requestId, Request request) {
    var asked = new dev.fairlead.computations.registry.Request(host, requestId);
    if (request instanceof Request.Register register) {
      byte[] bytes = register.manifest();
      Manifest manifest = Manifest.parse(bytes);
      Computation computation =
          registry.register(asked, manifest.id(), bytes, ComputationDigest.of(bytes));
      return begin(computation);
    }
    if (request instanceof Request.Renew renew) {
      return begin(registry.renew(asked, renew.computation()));
    }
    Request.Ended ended = (Request.Ended) request;
    Computation computation =
        registry.ended(asked, ended.computation(), ended.kind(), ended.reason());
    Run run = computation.run();
    LOG.log(
        INFO,
        "The VM of {0}, run {1}, has ended: {2}.",
        computation.id(),
        run.number(),
        run.endReason());
    liveness.vmEnded(computation.id(), run.number(), String.valueOf(run.endReason()));
    if (liveness.run(computation.id()) == run.number()) {
      renewals.forget(computation.id());
      revoke(computation);
    }
    return JsonObject.empty();
  }

  /** Lets the agent of a run in that has just begun. */
  private JsonObject begin(Computation computation) {
    String id = computation.id();
    Run run = computation.run();
    boolean newest =
        registry.find(id).map(found -> found.run().number() == run.number()).orElse(false);
    if (!newest || run.vm() == VmState.ENDED) {
      throw new ComputationException(
          ComputationException.Category.REFUSED,
          "run-is-over",
          "Run %d of %s, which this request began, is over: ask under a new request id."
              .formatted(run.number(), id));
    }
    if (run.number() > 1 && run.credentialSha256() == null) {
      access.revoke(id); // whatever the run before still had
    }
    Credential credential = access.agent(id);
    registry.credential(id, run.number(), credential.sha256(), credential.expiresAt());
    if (liveness.run(id) != run.number()) {
      reception.begin(id, registry.epochs(id));
      registry.firstLines(
          id,
          run.number(),
          store.lines(id, Addresses.LOGS) + 1,
          store.lines(id, Addresses.EVENTS) + 1);
      liveness.watch(id, run.number(), AgentState.STARTING, null, credential.expiresAt());
      LOG.log(INFO, "Registered {0}, run {1}, for {2}.", id, run.number(), run.host());
    } else {
      liveness.credential(id, run.number(), credential.expiresAt());
    }
    renewals.track(id, run.number(), access.first(), credential.expiresAt());
    return new Registration(
            id, run.digest(), access.transports(), credential.content(), credential.expiresAt())
        .toJson();
  }

  private void revoke(Computation computation) {
    try {
      access.revoke(computation.id());
      registry.revoked(computation.id(), computation.run().number());
    } catch (TransportException | ComputationException e) {
      refusals.count("revoke-failed", computation.id(), String.valueOf(e.getMessage()));
      LOG.log(
          WARNING,
          "The credentials of {0} were not revoked, which is tried again: {1}",
          computation.id(),
          e.getMessage());
    }
  }

  private static boolean isEnd(byte[] payload) {
    return Request.parse(payload) instanceof Request.Ended;
  }

  private Reply refuse(String host, String code, RuntimeException e) {
    String message = String.valueOf(e.getMessage());
    refusals.count(code, host, message);
    return new Reply.Refusal(code, message.length() > 1000 ? message.substring(0, 1000) : message);
  }
}
