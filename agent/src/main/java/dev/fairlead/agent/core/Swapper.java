// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Changes the agent's transport when it is told to: only to one that is among the VM's measured
 * facts, opened beside the present one, which stays where the new one does not come up. What became
 * of the newest order is told, and told again with each sign of life.
 *
 * <p>{@link #obey} is called by one thread at a time, the rest by any.
 */
final class Swapper {

  /** What its events are called. */
  static final String EVENT = "Swap";

  /** How long the new transport may take to connect. */
  static final Duration PATIENCE = Duration.ofSeconds(15);

  private final BootFacts facts;
  private final Switchboard switchboard;
  private final Providers providers;
  private final Map<String, String> credentials;
  private final Function<TransportFact, Function<String, @Nullable String>> settings;
  private final Teller teller;
  private final LongSupplier nanos;
  private final Duration patience;
  private final AtomicInteger underWay = new AtomicInteger();
  private volatile Heartbeat.@Nullable Swap newest;

  /** Tells of an outcome, by an event and by a sign of life; called by several threads. */
  @FunctionalInterface
  interface Teller {
    void tell(String status, JsonObject details);
  }

  /**
   * Makes one.
   *
   * @param providers of transports
   * @param credentials the newest for each transport, by name
   * @param settings how a transport is opened
   * @param patience how long a new transport may take to connect
   */
  Swapper(
      BootFacts facts,
      Switchboard switchboard,
      Providers providers,
      Map<String, String> credentials,
      Function<TransportFact, Function<String, @Nullable String>> settings,
      Teller teller,
      LongSupplier nanos,
      Duration patience) {
    this.facts = facts;
    this.switchboard = switchboard;
    this.providers = providers;
    this.credentials = credentials;
    this.settings = settings;
    this.teller = teller;
    this.nanos = nanos;
    this.patience = patience;
  }

  /** What became of the newest order that was decided; null before the first. */
  Heartbeat.@Nullable Swap newest() {
    return newest;
  }

  /** Whether the transport is just being changed. */
  boolean isUnderWay() {
    return underWay.get() > 0;
  }

  /**
   * Begins what is ordered, or says why not.
   *
   * @param busy whether the bundle of a transport is just being changed
   */
  void obey(Command.Swap order, boolean busy) {
    String name = order.transport();
    String from = switchboard.transport().orElse("");
    if (busy) {
      refuse(
          order,
          from,
          "change-under-way",
          "A transport's bundle is just being changed: ask again when that is done.");
      return;
    }
    Optional<TransportFact> fact =
        facts.transports().stream().filter(one -> one.name().equals(name)).findFirst();
    if (fact.isEmpty()) {
      refuse(
          order,
          from,
          "transport-not-permitted",
          "The transport '%s' is not among this VM's measured facts.".formatted(name));
      return;
    }
    if (!isMeasured(order, fact.get())) {
      refuse(
          order,
          from,
          "endpoint-not-permitted",
          "The endpoint of '%s' is not the one that is measured, nor is its CA.".formatted(name));
      return;
    }
    TransportProvider provider = providers.get(name);
    if (provider == null) {
      refuse(
          order,
          from,
          "transport-not-deployed",
          "The bundle of transport '%s' is not in this guest.".formatted(name));
      return;
    }
    if (facts.forgetsStored()
        && !provider.capabilities().contains(TransportProvider.Capability.STORED)) {
      refuse(
          order,
          from,
          "no-store",
          "The agent forgets what is stored, and transport '%s' stores nothing.".formatted(name));
      return;
    }
    if (from.equals(name)) {
      credentials.put(name, order.credential());
      done(order, from, 0);
      return;
    }
    String before = credentials.put(name, order.credential());
    long began = nanos.getAsLong();
    underWay.incrementAndGet();
    switchboard
        .use(provider, settings.apply(fact.get()), patience)
        .whenComplete(
            (used, failure) -> {
              underWay.decrementAndGet();
              if (failure == null) {
                done(order, from, nanos.getAsLong() - began);
                return;
              }
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              if (before != null && isUnderWay(cause)) {
                credentials.put(name, before); // the other order's, which may be for the same
              }
              refuse(
                  order,
                  from,
                  cause instanceof TransportException told ? told.code() : "broken-transport",
                  String.valueOf(cause.getMessage()));
            });
  }

  private static boolean isUnderWay(Throwable cause) {
    return cause instanceof TransportException told && told.code().equals("change-under-way");
  }

  /**
   * The host may know an endpoint by another name than its guests do: what both know is its CA. It
   * is only ever the measured endpoint that is connected to.
   */
  private static boolean isMeasured(Command.Swap order, TransportFact fact) {
    if (order.caSha256() != null) {
      return order.caSha256().equals(fact.caSha256());
    }
    return order.endpoint() == null || order.endpoint().equals(fact.uri());
  }

  private void done(Command.Swap order, String from, long nanoseconds) {
    newest = new Heartbeat.Swap(order.id(), true, null, null);
    teller.tell(
        "Completed",
        details(order, from).put("millis", Duration.ofNanos(nanoseconds).toMillis()).build());
  }

  private void refuse(Command.Swap order, String from, String code, String reason) {
    Heartbeat.Swap outcome = new Heartbeat.Swap(order.id(), false, code, reason);
    newest = outcome;
    teller.tell(
        "Failed",
        details(order, from)
            .put("code", code)
            .put("message", String.valueOf(outcome.reason()))
            .build());
  }

  private static JsonObject.Builder details(Command.Swap order, String from) {
    return JsonObject.builder()
        .put("command", order.id())
        .put("from", from)
        .put("to", order.transport());
  }
}
