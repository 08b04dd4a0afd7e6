// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static dev.fairlead.manager.ManagerException.Category.RETRY;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Link;
import dev.fairlead.delivery.Requester;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.Transport;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks the registry over the link. Each request has an id, so that it counts once. */
final class LinkRegistry implements Registry {

  private static final System.Logger LOG = System.getLogger(LinkRegistry.class.getName());

  /** How long an answer that nobody waits for any more is still listened for. */
  private static final Duration LATE = Duration.ofSeconds(60);

  /** What a request did wrong that can be done right: the rest is worth another try. */
  private static final Set<String> REFUSALS =
      Set.of(
          "unknown-computation",
          "not-your-computation",
          "vm-not-ended",
          "run-is-over",
          "manifest-too-large",
          "missing-field",
          "wrong-type",
          "field-too-long",
          "too-large",
          "not-utf8",
          "unknown-op",
          "duplicate-field");

  private static final Set<String> BREAKDOWNS = Set.of("internal", "registry-unusable");

  private final Link link;
  private final Requester requester;
  private final Duration connectPatience;
  private final Duration answerPatience;

  /**
   * Makes one.
   *
   * @param requester to the registry; stays the caller's to close
   * @param connectPatience how long to wait for a connection that is not there
   * @param answerPatience how long to wait for an answer
   */
  LinkRegistry(Link link, Requester requester, Duration connectPatience, Duration answerPatience) {
    this.link = link;
    this.requester = requester;
    this.connectPatience = connectPatience;
    this.answerPatience = answerPatience;
  }

  @Override
  public Registration register(byte[] manifest) {
    return registration(new Request.Register(manifest));
  }

  @Override
  public Registration renew(String computation) {
    return registration(new Request.Renew(computation));
  }

  @Override
  public void ended(String request, String computation, String kind, String reason) {
    ask(request, new Request.Ended(computation, kind, reason));
  }

  @Override
  public boolean isConnected() {
    return link.connected();
  }

  private Registration registration(Request request) {
    JsonObject answer = ask(UUID.randomUUID().toString(), request);
    try {
      return Registration.parse(answer);
    } catch (ProtocolException e) {
      throw notUnderstood(e);
    }
  }

  private JsonObject ask(String id, Request request) {
    awaitConnection();
    CompletableFuture<byte[]> asked =
        requester.ask(id, request.toJson(), answerPatience.plus(LATE)).toCompletableFuture();
    try {
      return understand(asked.get(answerPatience.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      if (!(request instanceof Request.Ended)) {
        var unused = asked.thenAccept(this::undo);
      }
      throw silent(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof DeliveryException) {
        throw silent(e);
      }
      throw new IllegalStateException("A request fails only as declared.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ManagerException(RETRY, "interrupted", "The question was given up; ask again.", e);
    }
  }

  /** An answer came too late: what it prepared for will never be. */
  private void undo(byte[] late) {
    try {
      Registration registration = Registration.parse(understand(late));
      Request.Ended never =
          new Request.Ended(
              registration.computation(), Lease.word(VmEnd.Kind.NEVER_BOOTED), "answered-too-late");
      requester
          .ask(never.toJson(), LATE)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  LOG.log(
                      WARNING,
                      "The registry still waits for the VM of {0}, which was not started: {1}",
                      registration.computation(),
                      failure.getMessage());
                }
              });
    } catch (ManagerException | ProtocolException e) {
      // It was refused: nothing was prepared.
    }
  }

  private void awaitConnection() {
    if (link.connected()) {
      return;
    }
    CountDownLatch connected = new CountDownLatch(1);
    Transport.Subscription waiting = link.onConnected(connected::countDown);
    try {
      // Once more, for what happened before somebody listened.
      boolean there =
          link.connected()
              || connected.await(connectPatience.toMillis(), TimeUnit.MILLISECONDS)
              || link.connected();
      if (!there) {
        throw new ManagerException(
            RETRY,
            "broker-unreachable",
            "The broker cannot be reached, so that the computation cannot be registered: see whether it runs, and try again.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ManagerException(RETRY, "interrupted", "The question was given up; ask again.", e);
    } finally {
      waiting.close();
    }
  }

  private static JsonObject understand(byte[] bytes) {
    Reply reply;
    try {
      reply = Reply.parse(bytes);
    } catch (ProtocolException e) {
      throw notUnderstood(e);
    }
    if (reply instanceof Reply.Ok ok) {
      return ok.result();
    }
    Reply.Refusal refusal = (Reply.Refusal) reply;
    ManagerException.Category category;
    if (REFUSALS.contains(refusal.code()) || refusal.code().startsWith("bad-")) {
      category = REFUSED;
    } else {
      category = BREAKDOWNS.contains(refusal.code()) ? BROKEN : RETRY;
    }
    throw new ManagerException(category, refusal.code(), refusal.message());
  }

  private static ManagerException notUnderstood(ProtocolException e) {
    return new ManagerException(
        BROKEN,
        "registry-confused",
        "The registry's answer is not understood: see whether both are of one version.",
        e);
  }

  private ManagerException silent(Exception e) {
    return new ManagerException(
        RETRY,
        "registry-unreachable",
        "The computations service did not answer within %d s: see whether it runs, and try again."
            .formatted(answerPatience.toSeconds()),
        e);
  }
}
