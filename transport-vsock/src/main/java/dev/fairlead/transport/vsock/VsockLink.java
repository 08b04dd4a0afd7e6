// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.KeptSubscription;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.base.Link;
import dev.fairlead.transport.base.Refusal;
import dev.fairlead.transport.vsock.wire.Buffers;
import dev.fairlead.transport.vsock.wire.FrameReader;
import dev.fairlead.transport.vsock.wire.FrameWriter;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import dev.fairlead.transport.vsock.wire.WireException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the hub, from the first attempt to its end. A thread connects and then reads;
 * another writes; the timer asks the hub for signs of life. All end when the channel is closed.
 */
final class VsockLink implements Link {

  private static final long JOIN_MILLIS = 500;
  private static final long LOOK_MILLIS = 250;
  private static final long SILENCE_NANOS = MILLISECONDS.toNanos(Wire.SILENCE_MILLIS);
  private static final long PING_NANOS = MILLISECONDS.toNanos(Wire.PING_MILLIS);

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private final Function<String, @Nullable String> source;
  private final Handlers handlers;
  private final Owner owner;
  private final ExecutorService threads;
  private final ScheduledExecutorService timer;
  private final Map<Integer, KeptSubscription> subscriptions = new ConcurrentHashMap<>();
  private final AtomicInteger lastNumber = new AtomicInteger();
  private final CompletableFuture<Outgoing> welcome = new CompletableFuture<>();
  private final CountDownLatch read = new CountDownLatch(1);
  private final CountDownLatch written = new CountDownLatch(1);
  private final Object lock = new Object();
  // All three guarded by lock.
  private @Nullable SocketChannel channel;
  private @Nullable ScheduledFuture<?> watch;
  private boolean ended;
  private volatile boolean live = true;
  private volatile long heardAt;
  private volatile @Nullable Outgoing outgoing;
  private long pingedAt = System.nanoTime(); // the timer's own

  private final Credit credit = new Credit();

  /**
   * Makes one that is not open yet.
   *
   * @param handlers of the transport, which outlive this connection
   */
  VsockLink(
      Function<String, @Nullable String> source,
      Handlers handlers,
      Owner owner,
      ExecutorService threads,
      ScheduledExecutorService timer) {
    this.source = source;
    this.handlers = handlers;
    this.owner = owner;
    this.threads = threads;
    this.timer = timer;
  }

  @Override
  public void open() throws IOException, InterruptedException, TimeoutException {
    VsockSettings settings = VsockSettings.read(source);
    // Here, since attempts come one after the other: a late one must not take over again.
    long first = credit.begin(handlers.serve(credit));
    threads.execute(() -> read(settings, first));
    try {
      welcome.get(Wire.WELCOME_MILLIS, MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TransportException refused) {
        throw refused;
      }
      throw new IOException(e.getCause());
    }
    synchronized (lock) {
      if (!ended) {
        watch = timer.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, MILLISECONDS);
      }
    }
  }

  /** Ends a connection on which nothing is heard, and asks for a sign of life. By the timer. */
  private void look() {
    long now = System.nanoTime();
    Outgoing out = outgoing;
    if (now - heardAt > SILENCE_NANOS) {
      end("The hub has said nothing for " + Wire.SILENCE_MILLIS + " ms.");
    } else if (out != null && now - pingedAt >= PING_NANOS) {
      out.ping();
      pingedAt = now;
    }
  }

  @Override
  public @Nullable Refusal failure() {
    return null; // a refusal is thrown by open
  }

  @Override
  public Duration connectTimeout() {
    return Duration.ofMillis(Wire.WELCOME_MILLIS);
  }

  @Override
  public @Nullable Runnable subscribe(KeptSubscription subscription) {
    Outgoing out = outgoing;
    if (out == null) {
      return null;
    }
    int number = lastNumber.incrementAndGet();
    subscriptions.put(number, subscription);
    out.put(new Outgoing.Subscribe(number, subscription.pattern()));
    return () -> {
      subscriptions.remove(number);
      out.put(new Outgoing.Unsubscribe(number));
    };
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    Outgoing out = outgoing;
    return out == null
        ? CompletableFuture.failedStage(KeptTransport.notConnected(null))
        : out.send(message);
  }

  @Override
  public void flush(Duration timeout) throws TimeoutException, InterruptedException {
    Outgoing out = outgoing;
    if (out != null && !out.flush(timeout.toNanos())) {
      throw new TimeoutException("The hub has not answered all in time.");
    }
  }

  @Override
  public long underWay() {
    Outgoing out = outgoing;
    return out == null ? 0 : out.messages();
  }

  @Override
  public void detach() {
    live = false;
    Outgoing out = outgoing;
    if (out != null) {
      out.end(KeptTransport.notConnected(null));
    }
  }

  @Override
  public void close() throws InterruptedException {
    detach();
    if (outgoing != null) {
      written.await(JOIN_MILLIS, MILLISECONDS);
    }
    end("Closed by its owner.");
    read.await(JOIN_MILLIS, MILLISECONDS);
  }

  private void read(VsockSettings settings, long first) {
    ByteBuffer buffer = Buffers.take();
    try (SocketChannel opened = settings.hub().open()) {
      if (!publish(opened)) {
        return;
      }
      opened.connect(settings.hub().address());
      FrameReader in = new FrameReader(opened, buffer, Wire.Side.END);
      Outgoing accepted = greet(opened, in, settings.credential(), first);
      if (accepted == null || !live) {
        return;
      }
      outgoing = accepted;
      credit.tell(accepted::credit);
      heardAt = System.nanoTime();
      Message lastWill = settings.lastWill();
      if (lastWill != null) {
        accepted.put(new Outgoing.Will(lastWill));
      }
      threads.execute(() -> write(opened, accepted));
      welcome.complete(accepted);
      while (true) {
        FrameReader.Frame frame = in.next();
        heardAt = System.nanoTime();
        if (frame.kind() == Wire.GOODBYE) {
          goodbye(frame.body());
          return;
        }
        take(frame, accepted);
      }
    } catch (WireException e) {
      LOG.log(Level.WARNING, "The hub at {0}: {1}", settings.hub(), e.getMessage());
      end("What the hub says makes no sense: " + e.getMessage());
    } catch (IOException e) {
      broken(e);
    } catch (RuntimeException | LinkageError e) {
      LOG.log(Level.ERROR, "The connection to " + settings.hub() + " failed.", e);
      end("The connection failed: " + e);
    } finally {
      Buffers.give(buffer);
      end("The connection has ended.");
      read.countDown();
    }
  }

  private boolean publish(SocketChannel opened) {
    synchronized (lock) {
      channel = opened;
      return !ended;
    }
  }

  /** Greets, shows the credential, and waits for the answer; null when it was a no. */
  private @Nullable Outgoing greet(
      SocketChannel opened, FrameReader in, String credential, long first) throws IOException {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(opened, buffer);
      out.greet();
      out.begin(Wire.HELLO, 4 + credential.length());
      out.put4((int) first).text(credential).end();
      out.flush();
    } finally {
      Buffers.give(buffer);
    }
    int[] versions = in.greeting();
    if (versions[0] > Wire.VERSION || versions[1] < Wire.VERSION) {
      end(
          "The hub speaks another version.",
          new TransportException(
              REFUSED,
              "version-not-supported",
              "The hub speaks versions %d to %d, this end speaks %d: update the older."
                  .formatted(versions[0], versions[1], Wire.VERSION)));
      return null;
    }
    FrameReader.Frame answer = in.next();
    if (answer.kind() == Wire.GOODBYE) {
      goodbye(answer.body());
      return null;
    }
    if (answer.kind() != Wire.WELCOME) {
      throw new WireException("bad-frame", "The hub speaks before it has said welcome.");
    }
    return new Outgoing(answer.body().getInt() & 0xffff_ffffL);
  }

  private void goodbye(ByteBuffer body) throws WireException {
    if (body.remaining() < 2 || (body.get(1) & 0xff) > body.remaining() - 2) {
      throw new WireException("bad-frame", "The hub's goodbye is malformed.");
    }
    boolean refused = body.get() == 1;
    String code = Messages.text(body, body.get() & 0xff);
    String sentence = Messages.text(body, body.remaining());
    if (!code.matches("[a-z][a-z0-9]*(-[a-z0-9]+)*") || !sentence.matches("[ -~]+")) {
      throw new WireException("bad-frame", "The hub's goodbye is malformed.");
    }
    end(sentence, refused ? new TransportException(REFUSED, code, sentence) : null);
  }

  private void take(FrameReader.Frame frame, Outgoing out) throws IOException {
    ByteBuffer body = frame.body();
    switch (frame.kind()) {
      case Wire.MESSAGE -> deliver(body);
      case Wire.ACK -> out.acknowledged(exactly(body, 8).getLong());
      case Wire.DENIED -> {
        Refusal refusal = out.denied(exactly(body, 8).getLong());
        if (live) {
          owner.refused(this, refusal);
        }
      }
      case Wire.UNHEARD -> {
        KeptSubscription subscription = subscriptions.get(exactly(body, 4).getInt());
        if (subscription != null && live) {
          owner.refused(
              this,
              Refusal.ofAddress(
                  "subscribe-not-permitted",
                  "The hub does not permit this end to receive '%s'.",
                  subscription.pattern()));
        }
      }
      case Wire.PONG -> out.pong();
      default -> throw new WireException("bad-frame", "A frame of the hub comes too late.");
    }
  }

  private void deliver(ByteBuffer body) throws WireException {
    if (!live) {
      return;
    }
    int cost = body.remaining();
    if (!credit.spend(cost)) {
      throw new WireException("credit-exceeded", "The hub sends more than this end can take.");
    }
    if (cost < 2) {
      throw new WireException("bad-frame", "A message names no subscription.");
    }
    int count = body.getShort() & 0xffff;
    if (count > Wire.MAX_SUBSCRIPTIONS || body.remaining() < 4 * count) {
      throw new WireException("bad-frame", "A message names more subscriptions than it can.");
    }
    List<KeptSubscription> wanted = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      KeptSubscription subscription = subscriptions.get(body.getInt());
      if (subscription != null) {
        wanted.add(subscription);
      }
    }
    Message message = Messages.read(body);
    handlers.add(credit, threads, wanted, message, cost);
  }

  private static ByteBuffer exactly(ByteBuffer body, int length) throws WireException {
    if (body.remaining() != length) {
      throw new WireException("bad-frame", "A frame of the hub has the wrong length.");
    }
    return body;
  }

  private void write(SocketChannel opened, Outgoing queue) {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(opened, buffer);
      Outgoing.Batch batch = queue.take(new Outgoing.Batch());
      while (batch != null) {
        batch.write(out);
        batch = queue.take(batch);
      }
      out.empty(Wire.WILL); // this end closes: nobody is to miss it
      out.flush();
    } catch (IOException e) {
      awaitReader(); // what the hub said before it closed tells more
      broken(e);
    } finally {
      Buffers.give(buffer);
      written.countDown();
    }
  }

  private void awaitReader() {
    try {
      read.await(JOIN_MILLIS, MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void broken(IOException e) {
    LOG.log(Level.TRACE, "A connection broke.", e);
    end("The connection to the hub broke: " + e.getMessage());
  }

  private void end(String reason) {
    end(reason, null);
  }

  /** Ends it, once. What has not been acknowledged fails as RETRY. */
  private void end(String reason, @Nullable TransportException refusal) {
    synchronized (lock) {
      if (ended) {
        return;
      }
      ended = true;
      if (watch != null) {
        watch.cancel(false);
      }
      try {
        if (channel != null) {
          channel.close();
        }
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "The channel did not close well.", e);
      }
    }
    Outgoing open = outgoing;
    if (open != null) {
      open.end(KeptTransport.notConnected(null));
    }
    boolean opening =
        welcome.completeExceptionally(refusal != null ? refusal : new IOException(reason));
    if (live && !opening) {
      if (refusal != null) {
        owner.refused(this, new Refusal(null, refusal));
      }
      owner.lost(this, reason);
    }
  }
}
