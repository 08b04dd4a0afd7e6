// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptSubscription;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.base.Link;
import dev.fairlead.transport.base.Refusal;
import dev.fairlead.transport.template.Wire.Frame;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One connection to the hub, from its opening to its end; {@link KeptTransport} does the rest. */
final class TemplateLink implements Link {

  private final Function<String, @Nullable String> settings;
  private final Owner owner;
  private final ExecutorService threads;
  private final Map<Integer, KeptSubscription> subscriptions = new ConcurrentHashMap<>();
  private final AtomicInteger numbers = new AtomicInteger();
  private final Semaphore answers = new Semaphore(0);
  private volatile boolean live = true;
  private volatile @Nullable Wire wire;

  TemplateLink(Function<String, @Nullable String> settings, Owner owner, ExecutorService threads) {
    this.settings = settings;
    this.owner = owner;
    this.threads = threads;
  }

  @Override
  public void open() throws IOException {
    URI hub = TemplateTransportProvider.endpoint(settings);
    Wire opened = new Wire(new Socket(hub.getHost(), hub.getPort()));
    wire = opened;
    opened.run(threads, this::receive, e -> owner.lost(this, "The hub is gone, or silent: " + e));
    String credential = settings.apply(TransportProvider.CREDENTIAL);
    tell('H', 0, credential == null ? "" : credential);
  }

  private void receive(Frame frame) {
    KeptSubscription to = subscriptions.get(frame.number());
    if (frame.kind() == 'M' && to != null && live) {
      to.deliver(Messages.decode(frame));
    } else if (frame.kind() == 'P') {
      tell('Q', 0, ""); // the hub asks often enough for its silence to mean something
    } else if (frame.kind() == 'Q') {
      answers.release();
    } else if (frame.kind() == 'R' && frame.text().isEmpty()) {
      owner.refused(this, Refusal.ofConnection("not-admitted", "Ask for a new credential."));
    } else if (frame.kind() == 'R') {
      String sentence = "The hub lets this end send nothing to '%s': use what was granted.";
      owner.refused(this, Refusal.ofAddress("send-not-permitted", sentence, frame.text()));
    }
  }

  private boolean tell(char kind, int number, String text) {
    Wire to = wire;
    return to != null && to.send(new Frame(kind, number, text));
  }

  @Override
  public @Nullable Refusal failure() {
    return null; // refusals come as frames
  }

  @Override
  public @Nullable Runnable subscribe(KeptSubscription subscription) {
    int number = numbers.incrementAndGet();
    subscriptions.put(number, subscription);
    tell('S', number, subscription.pattern());
    return () -> {
      subscriptions.remove(number);
      tell('U', number, "");
    };
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    Wire to = wire;
    return to != null && to.send(Messages.encode(0, message))
        ? CompletableFuture.completedStage(null)
        : CompletableFuture.failedStage(KeptTransport.busy(null));
  }

  @Override
  public void flush(Duration timeout) throws TimeoutException, InterruptedException {
    tell('P', 0, "");
    if (!answers.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new TimeoutException("The hub does not answer.");
    }
  }

  @Override
  public Duration connectTimeout() {
    return Duration.ofSeconds(3);
  }

  @Override
  public long underWay() {
    return 0; // what was handed over is not counted
  }

  @Override
  public void detach() {
    live = false;
  }

  @Override
  public void close() {
    detach();
    Wire open = wire;
    if (open != null) {
      open.finish();
    }
  }
}
