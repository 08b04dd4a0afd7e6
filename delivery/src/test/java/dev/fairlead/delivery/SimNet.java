// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;

/** A network that loses, doubles, delays and mixes up messages, as its random numbers say. */
final class SimNet {

  /** How bad it is; each from 0 to 1, the delay in ns. */
  static final class Weather {
    double loss;
    double doubling;
    double refusal;
    double silence;
    long delay = 100_000;
    boolean ordered = true;
  }

  final Weather weather = new Weather();
  private final SimTime time;
  private final Random random;
  private final List<End> ends = new ArrayList<>();
  private long lastArrival;

  /** What stores what is sent so. */
  final SimBroker broker;

  SimNet(SimTime time, Random random) {
    this(time, random, new SimBroker(time, random));
  }

  SimNet(SimTime time, Random random, SimBroker broker) {
    this.time = time;
    this.random = random;
    this.broker = broker;
  }

  /** Every connection is gone, since the peer of all is. */
  void cutAll() {
    List.copyOf(ends).forEach(End::cut);
  }

  End end() {
    End end = new End();
    ends.add(end);
    return end;
  }

  private boolean happens(double chance) {
    return chance > 0 && random.nextDouble() < chance;
  }

  private long arrival() {
    long at = time.nanoTime() + 1 + (long) (random.nextDouble() * weather.delay);
    if (weather.ordered) {
      at = Math.max(at, lastArrival + 1);
      lastArrival = at;
    }
    return at;
  }

  /** One end's link; it may be cut and come back. */
  final class End implements Link {

    private record Standing(String pattern, Consumer<Message> handler) {}

    private record Reading(String pattern, Function<Message, CompletionStage<Void>> handler) {}

    private final List<Standing> standing = new ArrayList<>();
    private final List<Reading> reading = new ArrayList<>();
    private final Map<String, SimBroker.Lane> lanes = new TreeMap<>();
    private final List<Runnable> actions = new ArrayList<>();
    private boolean connected = true;
    private int connection;
    final List<Message> sent = new ArrayList<>();
    boolean keepSent;

    @Override
    public CompletionStage<Void> send(Message message) {
      if (!connected || happens(weather.refusal)) {
        return CompletableFuture.failedStage(
            new TransportException(RETRY, "not-connected", "There is no connection."));
      }
      if (keepSent) {
        sent.add(message);
      }
      CompletableFuture<Void> taken = new CompletableFuture<>();
      int mine = connection;
      if (!happens(weather.silence)) {
        time.at(
            arrival(),
            () -> {
              if (mine == connection) {
                taken.complete(null);
              } else {
                taken.completeExceptionally(
                    new TransportException(RETRY, "not-connected", "The connection is gone."));
              }
            });
      }
      int copies = happens(weather.loss) ? 0 : happens(weather.doubling) ? 2 : 1;
      for (int i = 0; i < copies; i++) {
        time.at(arrival(), () -> arrive(message, mine));
      }
      return taken;
    }

    @Override
    public CompletionStage<Void> sendStored(Message message) {
      if (keepSent) {
        sent.add(message);
      }
      return lanes.computeIfAbsent(message.address(), any -> broker.new Lane(this)).send(message);
    }

    @Override
    public Subscription subscribeStored(
        String pattern, Function<Message, CompletionStage<Void>> handler) {
      Reading one = new Reading(pattern, handler);
      reading.add(one);
      broker.reads(this);
      return () -> reading.remove(one);
    }

    /** Who takes a stored message here now. */
    List<Function<Message, CompletionStage<Void>>> readersOf(Message message) {
      return connected
          ? reading.stream()
              .filter(one -> message.matches(one.pattern))
              .map(Reading::handler)
              .toList()
          : List.of();
    }

    Weather weather() {
      return weather;
    }

    boolean happens(double chance) {
      return SimNet.this.happens(chance);
    }

    /** When something that is sent now arrives. */
    long arrival() {
      return SimNet.this.arrival();
    }

    /** Something that happens if the connection of now is still there. */
    Runnable whileConnected(Runnable what) {
      int mine = connection;
      return () -> {
        if (mine == connection) {
          what.run();
        }
      };
    }

    private void arrive(Message message, int mine) {
      if (mine != connection) {
        return; // what was under way is gone with the connection
      }
      for (End end : List.copyOf(ends)) {
        if (end.connected) {
          for (Standing one : List.copyOf(end.standing)) {
            if (message.matches(one.pattern)) {
              one.handler.accept(message);
            }
          }
        }
      }
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      Standing one = new Standing(pattern, handler);
      standing.add(one);
      return () -> standing.remove(one);
    }

    @Override
    public boolean connected() {
      return connected;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      actions.add(action);
      return () -> actions.remove(action);
    }

    void cut() {
      connected = false;
      connection++;
      List<SimBroker.Lane> all = List.copyOf(lanes.values());
      lanes.clear();
      all.forEach(SimBroker.Lane::end);
    }

    /** Its process is gone, or has another one. */
    void remove() {
      cut();
      ends.remove(this);
      broker.readsNoMore(this);
    }

    void comeBack() {
      if (!connected) {
        connected = true;
        List.copyOf(actions).forEach(Runnable::run);
        broker.lookSoon();
      }
    }
  }
}
