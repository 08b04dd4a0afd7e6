// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A provider of transports to one hub in memory, which connect when the test says so. */
final class SimTransport implements TransportProvider {

  /** What all transports of all providers meet at. */
  static final class Hub {
    private final List<Line> lines = new CopyOnWriteArrayList<>();
    final List<Message> seen = new CopyOnWriteArrayList<>();

    void publish(Message message) {
      seen.add(message);
      for (Line line : lines) {
        line.arrive(message);
      }
    }
  }

  private final String name;
  private final Hub hub;
  final List<Line> opened = new CopyOnWriteArrayList<>();
  volatile boolean connects = true;
  volatile boolean refuses;

  /** Whether its transports close when the test has said that they may. */
  volatile boolean closesWhenTold;

  final CountDownLatch closing = new CountDownLatch(1);
  final CountDownLatch mayClose = new CountDownLatch(1);

  SimTransport(String name, Hub hub) {
    this.name = name;
    this.hub = hub;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Set<Capability> capabilities() {
    return EnumSet.of(Capability.ACKNOWLEDGED_SEND);
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    if (refuses) {
      throw new TransportException(
          TransportException.Category.REFUSED, "bad-setting", "The endpoint is missing.");
    }
    Line line = new Line(listener);
    hub.lines.add(line);
    opened.add(line);
    if (connects) {
      line.connect();
    }
    return line;
  }

  /** One transport. */
  final class Line implements Transport {

    private record Standing(String pattern, Consumer<Message> handler) {}

    private final TransportListener listener;
    private final List<Standing> standing = new CopyOnWriteArrayList<>();
    private volatile State state = State.CONNECTING;

    Line(TransportListener listener) {
      this.listener = listener;
    }

    void connect() {
      state = State.CONNECTED;
      listener.stateChanged(State.CONNECTED, "The test connects it.");
    }

    void lose() {
      state = State.CONNECTING;
      listener.stateChanged(State.CONNECTING, "The test cuts it.");
    }

    private void arrive(Message message) {
      if (state == State.CONNECTED) {
        for (Standing one : standing) {
          if (message.matches(one.pattern)) {
            one.handler.accept(message);
          }
        }
      }
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      if (state != State.CONNECTED) {
        return CompletableFuture.failedStage(
            new TransportException(
                state == State.CLOSED ? BROKEN : RETRY,
                "not-connected",
                "There is no connection."));
      }
      hub.publish(message);
      return CompletableFuture.completedStage(null);
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      Standing one = new Standing(pattern, handler);
      standing.add(one);
      return () -> standing.remove(one);
    }

    @Override
    public State state() {
      return state;
    }

    @Override
    public void close() {
      if (closesWhenTold) {
        closing.countDown();
        try {
          mayClose.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      if (state != State.CLOSED) {
        state = State.CLOSED;
        hub.lines.remove(this);
        listener.stateChanged(State.CLOSED, "The test has ended it.");
      }
    }
  }
}
