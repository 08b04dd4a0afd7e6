// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Policy;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The manager's way to the others: its events go out as a stream, its questions to the registry,
 * and agents' hellos come in. Works from the start, with or without a transport: what is said
 * before there is one waits, within its bound.
 */
final class ManagerLink implements EventSink, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ManagerLink.class.getName());
  private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(3);
  private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(15);
  private static final Duration SWAP_PATIENCE = Duration.ofSeconds(20);
  private static final Duration DRAIN = Duration.ofSeconds(3);
  private static final long EVENT_BYTES = 4L << 20;

  private final Addresses addresses;
  private final Runner runner = Runner.start("fl-manager-link");
  private final Switchboard switchboard;
  private final Outbox outbox;
  private final OutStream events;
  private final Requester requester;
  private final LinkRegistry registry;

  /**
   * Makes one, without a transport yet.
   *
   * @param instance this manager's name in the fleet
   */
  ManagerLink(String fleet, String instance) {
    this(fleet, instance, CONNECT_PATIENCE, ANSWER_PATIENCE);
  }

  /** One with another patience, for a connection and for an answer. */
  ManagerLink(String fleet, String instance, Duration connectPatience, Duration answerPatience) {
    addresses = Addresses.ofHost(fleet, instance);
    switchboard = new Switchboard(runner, new Log());
    outbox = new Outbox(switchboard, runner);
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
    requester = new Requester(switchboard, runner, addresses.requests(), addresses.replies());
    registry = new LinkRegistry(switchboard, requester, connectPatience, answerPatience);
  }

  /** What this manager must be permitted. */
  Grant grant() {
    return new Grant(addresses.party(), addresses.sends(), addresses.receives());
  }

  /** Begins to use a transport, in place of the one in use; returns at once. */
  void use(TransportProvider provider, Function<String, @Nullable String> settings) {
    Function<String, @Nullable String> own =
        name -> name.equals(TransportProvider.REPLIES) ? addresses.replies() : settings.apply(name);
    switchboard
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

  /** Who knows the computations. */
  Registry registry() {
    return registry;
  }

  /** Tells of each agent that says hello, and each time messages begin to flow. */
  void listen(Consumer<String> hello, Runnable connected) {
    // Both end with the switchboard.
    var unusedHellos =
        switchboard.subscribe(
            Addresses.everyUp(addresses.fleet(), "hello"), message -> greeted(message, hello));
    var unusedConnects = switchboard.onConnected(connected);
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

  /** Sends what can be sent within 3 s, then closes the transport. Idempotent. */
  @Override
  public void close() {
    if (switchboard.connected()) {
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
    switchboard.close();
    runner.close();
  }

  /** Says what happens to the transport. */
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
