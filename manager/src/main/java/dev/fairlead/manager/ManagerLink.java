// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Policy;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.delivery.Ways;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.SortedMap;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The manager's way to the others: its events go out as a stream, its questions to the registry,
 * and agents' hellos come in. It listens on several transports at once, since agents may be on any,
 * and speaks on one, or on another while that one is not connected. Works from the start, with or
 * without a transport: what is said before there is one waits, within its bound.
 */
final class ManagerLink implements EventSink, ManagerRoutes.LinkView, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ManagerLink.class.getName());
  private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(3);
  private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(15);
  private static final Duration SWAP_PATIENCE = Duration.ofSeconds(20);
  private static final Duration DRAIN = Duration.ofSeconds(3);
  private static final long EVENT_BYTES = 4L << 20;

  private final Addresses addresses;
  private final Runner runner = Runner.start("fl-manager-link");
  private final Exchange exchange;
  private final Outbox outbox;
  private final OutStream events;
  private final Requester requester;
  private final LinkRegistry registry;

  /**
   * Makes one, without a transport yet.
   *
   * @param instance this manager's name in the fleet
   * @param first the transport on which it speaks while that is connected; empty for any
   */
  ManagerLink(String fleet, String instance, String first) {
    this(fleet, instance, first, CONNECT_PATIENCE, ANSWER_PATIENCE);
  }

  /** One with another patience, for a connection and for an answer. */
  ManagerLink(
      String fleet,
      String instance,
      String first,
      Duration connectPatience,
      Duration answerPatience) {
    addresses = Addresses.ofHost(fleet, instance);
    exchange = new Exchange(runner, new Log(), Ways.inOrder(first), Arrivals.NONE);
    outbox = new Outbox(exchange, runner);
    // The numbering's memory ends with this process, so each start is an epoch of its own.
    events =
        outbox.open(
            StreamConfig.of(
                    addresses.stream(Addresses.EVENTS),
                    addresses.acks(Addresses.EVENTS),
                    UUID.randomUUID().toString())
                .withPriority(0)
                .withPolicy(Policy.DROP_OLD)
                .withCapacity(EVENT_BYTES));
    requester = new Requester(exchange, runner, addresses.requests(), addresses.replies());
    registry = new LinkRegistry(exchange, requester, connectPatience, answerPatience);
  }

  /** What this manager must be permitted. */
  Grant grant() {
    return new Grant(addresses.party(), addresses.sends(), addresses.receives());
  }

  /**
   * Begins to use a transport, beside those in use, or in place of that of the same name; returns
   * at once.
   */
  void use(TransportProvider provider, Function<String, @Nullable String> settings) {
    Function<String, @Nullable String> own =
        name -> name.equals(TransportProvider.REPLIES) ? addresses.replies() : settings.apply(name);
    exchange
        .use(provider, own, SWAP_PATIENCE)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                LOG.log(
                    WARNING,
                    "The transport {0} is not used: {1}",
                    provider.name(),
                    failure.getMessage());
              }
            });
  }

  /** Opens a transport anew through another provider of its name. */
  CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return exchange.reopen(old, next, SWAP_PATIENCE);
  }

  /** Uses a transport no more; waits until it has drained, at most 5 s. */
  void drop(String transport) {
    exchange.drop(transport);
  }

  @Override
  public boolean registryConnected() {
    return registry.isConnected();
  }

  @Override
  public SortedMap<String, SwapCounts> swaps() {
    return exchange.swaps();
  }

  /** Who knows the computations. */
  Registry registry() {
    return registry;
  }

  /** Tells of each agent that says hello, and each time messages begin to flow. */
  void listen(Consumer<String> hello, Runnable connected) {
    // Both end with the exchange.
    var unusedHellos =
        exchange.subscribe(
            Addresses.everyUp(addresses.fleet(), "hello"), message -> greeted(message, hello));
    var unusedConnects = exchange.onConnected(connected);
  }

  private static void greeted(Message message, Consumer<String> hello) {
    // Only the computation itself may send to its own address: the payload is not needed.
    Addresses.parse(message.address())
        .filter(Addresses::isComputation)
        .ifPresent(from -> hello.accept(from.party()));
  }

  @Override
  public void say(Event event) {
    try {
      if (events.tryAppend(event.toJson()) == 0) {
        LOG.log(WARNING, "An event of {0} found no room and is lost.", event.computationId());
      }
    } catch (DeliveryException | ProtocolException e) {
      LOG.log(WARNING, "An event of {0} is lost: {1}", event.computationId(), e.getMessage());
    }
  }

  /** Sends what can be sent within 3 s, then closes the transports. Idempotent. */
  @Override
  public void close() {
    if (exchange.connected()) {
      try {
        outbox.drained().toCompletableFuture().get(DRAIN.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException e) {
        LOG.log(WARNING, "Not all events were acknowledged within {0}; the rest is lost.", DRAIN);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    requester.close();
    outbox.close();
    exchange.close();
    runner.close();
  }

  /** Says what happens to the transports. */
  private static final class Log implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      LOG.log(INFO, "Transport {0} is {1}: {2}", transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      LOG.log(
          WARNING,
          "Transport {0} refused {1}: {2}",
          transport,
          address == null ? "the connection" : address,
          refusal.getMessage());
    }
  }
}
