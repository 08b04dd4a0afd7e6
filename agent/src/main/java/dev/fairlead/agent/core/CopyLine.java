// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.INFO;
import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.Copies;
import dev.fairlead.delivery.Defects;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The second transport over which copies go, while somebody wants them. What becomes of it never
 * touches the first one: its failures are told, and no more.
 *
 * <p>Safe for use by several threads; {@link #begin} and {@link #end} wait for one another.
 */
final class CopyLine implements AutoCloseable {

  /** What its events are called. */
  static final String EVENT = "Copies";

  private static final System.Logger LOG = System.getLogger(CopyLine.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Copies copies;
  private final String lines;
  private final Teller teller;
  private volatile @Nullable Line line;

  /** That of which nobody knows yet whether it comes up. */
  private volatile @Nullable Line opening;

  private boolean closed;

  /** Tells an event; called by several threads. */
  @FunctionalInterface
  interface Teller {
    void tell(String status, JsonObject details);
  }

  private record Line(String transport, Runner runner, Switchboard switchboard) {}

  /**
   * Makes one that copies nothing.
   *
   * @param lines the address to which lines are sent: their copies may be made defective
   */
  CopyLine(Copies copies, String lines, Teller teller) {
    this.copies = requireNonNull(copies, "copies is null");
    this.lines = requireNonNull(lines, "lines is null");
    this.teller = requireNonNull(teller, "teller is null");
  }

  /** The transport over which copies go; null where none do. */
  synchronized @Nullable String transport() {
    Line now = line;
    return now == null ? null : now.transport();
  }

  /** Whether the second transport is just being opened. */
  boolean isUnderWay() {
    return opening != null;
  }

  /**
   * Copies over a transport from now on; where that is done already, nothing changes.
   *
   * @param settings as the provider's {@code open} takes them
   */
  synchronized void begin(
      Command.Shadow order,
      TransportProvider provider,
      Function<String, @Nullable String> settings) {
    Line before = line;
    if (closed || (before != null && before.transport().equals(order.transport()))) {
      return; // it has another credential from its next connect on
    }
    end();
    Runner runner = Runner.start("fairlead-copies");
    Switchboard switchboard = new Switchboard(runner, new Watch());
    Line mine = new Line(order.transport(), runner, switchboard);
    line = mine;
    opening = mine;
    Command.Inject inject = order.inject();
    copies.begin(
        switchboard,
        runner,
        new Defects(lines, inject.drop(), inject.alter(), inject.duplicate(), inject.seed()),
        (stream, kind, number) -> injected(order.id(), stream.address(), kind, number));
    switchboard
        .use(provider, settings, PATIENCE)
        .whenComplete(
            (used, failure) -> {
              opened(mine);
              if (failure != null && mine.equals(line)) { // else it was ended before it came up
                teller.tell("Failed", details(order).put("reason", said(failure)).build());
              }
            });
    teller.tell("Begun", details(order).build());
  }

  /** It has come up, or never will. */
  private void opened(Line mine) {
    if (mine.equals(opening)) {
      opening = null;
    }
  }

  private static String said(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return message.length() > 500 ? message.substring(0, 500) : message;
  }

  private static JsonObject.Builder details(Command.Shadow order) {
    return JsonObject.builder().put("command", order.id()).put("transport", order.transport());
  }

  private void injected(String command, String address, Defects.Kind kind, long number) {
    String finding =
        switch (kind) {
          case DROP -> "missing";
          case ALTER -> "altered";
          case DUPLICATE -> "duplicate";
        };
    teller.tell(
        "Injected",
        JsonObject.builder()
            .put("command", command)
            .put("kind", finding)
            .put("stream", address.substring(address.lastIndexOf('/') + 1))
            .put("number", number)
            .build());
  }

  /**
   * Opens the second transport anew through another provider; see {@code LinkHolder}. Where the
   * copies end meanwhile, there is nothing left to open.
   */
  synchronized CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    Line now = line;
    return now == null
        ? CompletableFuture.completedStage(null)
        : now.switchboard()
            .reopen(old, next, Swapper.PATIENCE)
            .exceptionallyCompose(
                failure ->
                    now.equals(line)
                        ? CompletableFuture.failedStage(failure)
                        : CompletableFuture.completedStage(null));
  }

  /** Copies no more; waits until the second transport has drained. */
  synchronized void end() {
    Line old = line;
    if (old != null) {
      line = null;
      opened(old);
      Copies.Counts counts = copies.counts();
      copies.end();
      old.switchboard().close();
      old.runner().close();
      teller.tell(
          "Ended",
          JsonObject.builder()
              .put("transport", old.transport())
              .put("batches", counts.batches())
              .put("skipped", counts.skipped())
              .put("failed", counts.failed())
              .build());
    }
  }

  @Override
  public synchronized void close() {
    end();
    closed = true;
  }

  private static final class Watch implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      LOG.log(INFO, "Transport {0}, for copies, is {1}: {2}", transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      LOG.log(INFO, "Transport {0}, for copies, refused: {1}", transport, refusal.getMessage());
    }
  }
}
