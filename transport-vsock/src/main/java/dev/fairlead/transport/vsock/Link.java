// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the hub, from the first attempt to its end. A thread connects and then reads;
 * another writes. Both end when the channel is closed.
 */
final class Link {

  /** Whom a link tells what happens to it, on its own threads. */
  interface Owner {
    /** The hub has let this end in; what is put into the outgoing now is written first. */
    void up(Link link, Outgoing outgoing);

    /**
     * The link has ended, or never came about. Told once.
     *
     * @param refusal null unless the hub said no
     */
    void down(Link link, String reason, @Nullable TransportException refusal);

    /** The hub does not permit a send or a subscription. */
    void refused(String address, TransportException refusal);

    /** A subscription by its number, null when it is closed. */
    @Nullable VsockSubscription subscription(int number);
  }

  /** What the hub may send ahead of the handlers, in bytes. */
  static final long CREDIT = 8L << 20;

  /** Credit is given back in portions of at least this. */
  private static final long PORTION = CREDIT / 8;

  private static final long JOIN_MILLIS = 500;

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private final VsockSettings settings;
  private final Owner owner;
  private final Handlers handlers;
  private final ThreadFactory readers;
  private final ThreadFactory writers;
  private final Object lock = new Object();
  // Both guarded by lock.
  private @Nullable SocketChannel channel;
  private boolean ended;
  private volatile long heardAt;
  private volatile @Nullable Thread reader;
  private volatile @Nullable Thread writer;
  private volatile @Nullable Outgoing outgoing;

  /** Of the credit, what the hub has used and handlers have not given back. */
  private final AtomicLong used = new AtomicLong();

  private final AtomicLong returned = new AtomicLong();

  Link(
      VsockSettings settings,
      Owner owner,
      Handlers handlers,
      ThreadFactory readers,
      ThreadFactory writers) {
    this.settings = settings;
    this.owner = owner;
    this.handlers = handlers;
    this.readers = readers;
    this.writers = writers;
  }

  void start() {
    Thread thread = readers.newThread(this::read);
    reader = thread;
    thread.start();
  }

  /** Waits until its threads have ended, which they do once it has; not for ever. */
  void join() throws InterruptedException {
    for (Thread thread : Arrays.asList(reader, writer)) {
      if (thread != null) {
        thread.join(JOIN_MILLIS);
      }
    }
  }

  /** When the hub was last heard, on the clock of {@link System#nanoTime}. */
  long heardAt() {
    return heardAt;
  }

  private void read() {
    ByteBuffer buffer = Buffers.take();
    try (SocketChannel opened = settings.hub().open()) {
      if (!publish(opened)) {
        return;
      }
      opened.connect(settings.hub().address());
      FrameReader in = new FrameReader(opened, buffer, Wire.Side.END);
      long credit = Math.max(Wire.MAX_MESSAGE, CREDIT - handlers.bytes());
      Outgoing accepted = greet(opened, in, credit);
      if (accepted == null) {
        return;
      }
      outgoing = accepted;
      heardAt = System.nanoTime();
      owner.up(this, accepted);
      Thread thread = writers.newThread(() -> write(opened, accepted));
      writer = thread;
      thread.start();
      while (true) {
        FrameReader.Frame frame = in.next();
        heardAt = System.nanoTime();
        if (frame.kind() == Wire.GOODBYE) {
          goodbye(frame.body());
          return;
        }
        take(frame, accepted, credit);
      }
    } catch (WireException e) {
      LOG.log(Level.WARNING, "The hub at {0}: {1}", settings.hub(), e.getMessage());
      end("What the hub says makes no sense: " + e.getMessage(), null);
    } catch (IOException e) {
      LOG.log(Level.TRACE, "The connection to " + settings.hub() + " broke.", e);
      end("The connection to " + settings.hub() + " broke: " + e.getMessage(), null);
    } catch (RuntimeException | LinkageError e) {
      LOG.log(Level.ERROR, "The connection to " + settings.hub() + " failed.", e);
      end("The connection failed: " + e, null);
    } finally {
      Buffers.give(buffer);
      end("The connection has ended.", null);
    }
  }

  private boolean publish(SocketChannel opened) {
    synchronized (lock) {
      channel = opened;
      return !ended;
    }
  }

  /** Greets, shows the credential, and waits for the answer; null when it was a no. */
  private @Nullable Outgoing greet(SocketChannel opened, FrameReader in, long credit)
      throws IOException {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(opened, buffer);
      out.greet();
      out.begin(Wire.HELLO, 4 + settings.credential().length());
      out.put4((int) credit).text(settings.credential()).end();
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

  private void take(FrameReader.Frame frame, Outgoing out, long credit) throws IOException {
    ByteBuffer body = frame.body();
    switch (frame.kind()) {
      case Wire.MESSAGE -> deliver(body, out, credit);
      case Wire.ACK -> out.acknowledged(exactly(body, 8).getLong());
      case Wire.DENIED -> {
        String address = out.denied(exactly(body, 8).getLong(), Link::sendNotPermitted);
        owner.refused(address, sendNotPermitted(address));
      }
      case Wire.UNHEARD -> {
        VsockSubscription subscription = owner.subscription(exactly(body, 4).getInt());
        if (subscription != null) {
          String pattern = subscription.pattern();
          owner.refused(
              pattern,
              new TransportException(
                  REFUSED,
                  "subscribe-not-permitted",
                  "The hub does not permit this end to receive '" + pattern + "'."));
        }
      }
      case Wire.PONG -> LOG.log(Level.TRACE, "The hub is alive.");
      default -> throw new WireException("bad-frame", "A frame of the hub comes too late.");
    }
  }

  private void deliver(ByteBuffer body, Outgoing out, long credit) throws WireException {
    int cost = body.remaining();
    if (used.addAndGet(cost) > credit) {
      throw new WireException("credit-exceeded", "The hub sends more than this end can take.");
    }
    if (cost < 2) {
      throw new WireException("bad-frame", "A message names no subscription.");
    }
    int count = body.getShort() & 0xffff;
    if (count > Wire.MAX_SUBSCRIPTIONS || body.remaining() < 4 * count) {
      throw new WireException("bad-frame", "A message names more subscriptions than it can.");
    }
    List<VsockSubscription> wanted = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      VsockSubscription subscription = owner.subscription(body.getInt());
      if (subscription != null) {
        wanted.add(subscription);
      }
    }
    Message message = Messages.read(body);
    handlers.add(wanted, message, cost, more -> giveBack(out, more));
  }

  private void giveBack(Outgoing out, long bytes) {
    long portion = returned.addAndGet(bytes);
    if (portion >= PORTION) {
      returned.addAndGet(-portion);
      used.addAndGet(-portion);
      out.credit(portion);
    }
  }

  private static ByteBuffer exactly(ByteBuffer body, int length) throws WireException {
    if (body.remaining() != length) {
      throw new WireException("bad-frame", "A frame of the hub has the wrong length.");
    }
    return body;
  }

  private static TransportException sendNotPermitted(String address) {
    return new TransportException(
        REFUSED,
        "send-not-permitted",
        "The hub does not permit this end to send to '" + address + "'.");
  }

  private void write(SocketChannel opened, Outgoing queue) {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(opened, buffer);
      Outgoing.Batch batch = queue.take(new Outgoing.Batch());
      while (batch != null) {
        if (batch.ping) {
          out.empty(Wire.PING);
        }
        if (batch.credit > 0) {
          out.begin(Wire.CREDIT, 4).put4((int) batch.credit).end();
        }
        for (Outgoing.Item item : batch.items) {
          write(item, out);
        }
        out.flush();
        batch = queue.take(batch);
      }
    } catch (IOException e) {
      LOG.log(Level.TRACE, "The connection to " + settings.hub() + " broke.", e);
      awaitReader(); // what the hub said before it closed tells more
      end("The connection to " + settings.hub() + " broke: " + e.getMessage(), null);
    } finally {
      Buffers.give(buffer);
    }
  }

  private void awaitReader() {
    Thread reading = reader;
    try {
      if (reading != null) {
        reading.join(JOIN_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void write(Outgoing.Item item, FrameWriter out) throws IOException {
    if (item instanceof Outgoing.Send send) {
      out.begin(Wire.SEND, send.size);
      Messages.put(send.message, out);
      out.end();
    } else if (item instanceof Outgoing.Subscribe subscribe) {
      out.begin(Wire.SUBSCRIBE, 4 + subscribe.pattern().length());
      out.put4(subscribe.number()).text(subscribe.pattern()).end();
    } else if (item instanceof Outgoing.Unsubscribe unsubscribe) {
      out.begin(Wire.UNSUBSCRIBE, 4).put4(unsubscribe.number()).end();
    }
  }

  /** Ends it from outside. What has not been acknowledged fails as RETRY. */
  void end(String reason) {
    end(reason, null);
  }

  private void end(String reason, @Nullable TransportException refusal) {
    SocketChannel closing;
    synchronized (lock) {
      if (ended) {
        return;
      }
      ended = true;
      closing = channel;
    }
    if (closing != null) {
      try {
        closing.close();
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "The channel did not close well.", e);
      }
    }
    Outgoing open = outgoing;
    if (open != null) {
      open.end(
          new TransportException(
              RETRY, "connection-lost", "The connection was lost: send again when there is one."));
    }
    owner.down(this, reason, refusal);
  }
}
