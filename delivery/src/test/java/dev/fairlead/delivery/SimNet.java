// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

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

  SimNet(SimTime time, Random random) {
    this.time = time;
    this.random = random;
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

    private final List<Standing> standing = new ArrayList<>();
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

    /** The network stores nothing, and says that it does: who believes it is the test's affair. */
    @Override
    public CompletionStage<Void> sendStored(Message message) {
      return send(message);
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
    }

    /** Its process is gone, or has another one. */
    void remove() {
      cut();
      ends.remove(this);
    }

    void comeBack() {
      if (!connected) {
        connected = true;
        List.copyOf(actions).forEach(Runnable::run);
      }
    }
  }
}
