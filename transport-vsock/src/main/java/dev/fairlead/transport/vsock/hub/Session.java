// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

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
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One end's connection, seen from the hub. A thread reads, and passes on what it reads; another
 * writes. Whatever this end sends, nothing but this connection ends by it.
 */
final class Session {

  /** A last will: its address, and the message as it came. */
  private record Will(String address, ByteBuffer message) {}

  /** A subscription, by the end's own number. */
  record Sub(int number, Pattern pattern) {}

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  /** How long an end has to read the last words, in nanoseconds. */
  private static final long GOODBYE_NANOS = 400_000_000L;

  private static final long NEVER = Long.MAX_VALUE;

  private final Hub hub;
  private final SocketChannel channel;
  private final Peer peer;
  private final Routes routes;
  private volatile long heardAt;
  private volatile long endAt = NEVER;
  private volatile Gate.@Nullable Pass pass;
  private volatile @Nullable Outflow outflow;
  private volatile Sub[] subscriptions = {};

  // Of the reading thread alone.
  private @Nullable Flow flow;
  private @Nullable Will lastWill;
  private boolean spoke;

  private volatile @Nullable Presence presence;
  private volatile long number;
  private final CountDownLatch ended = new CountDownLatch(1);

  // Of the hub's ticker alone.
  long lastProgress;
  long lastProgressAt;

  Session(Hub hub, SocketChannel channel, Peer peer) {
    this.hub = hub;
    this.channel = channel;
    this.peer = peer;
    this.routes = new Routes(hub, this);
    this.heardAt = hub.now();
    this.lastProgressAt = heardAt;
  }

  void start() {
    hub.thread("-read", this::read).start();
  }

  Peer peer() {
    return peer;
  }

  /** Null until it was let in. */
  Gate.@Nullable Pass pass() {
    return pass;
  }

  /** Null until it was let in. */
  @Nullable Outflow outflow() {
    return outflow;
  }

  Sub[] subscriptions() {
    return subscriptions;
  }

  long heardAt() {
    return heardAt;
  }

  /** Whether the time for last words is over. */
  boolean isOverdue(long now) {
    long end = endAt;
    return end != NEVER && now - end > 0;
  }

  private void read() {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameReader in = new FrameReader(channel, buffer, Wire.Side.DOOR);
      Flow entered = letIn(in);
      flow = entered;
      if (entered != null) {
        Outflow out = entered.back();
        while (true) {
          FrameReader.Frame frame = in.next();
          heardAt = hub.now();
          if (endAt == NEVER) {
            take(frame, entered, out);
            if (!in.hasMore()) {
              entered.acknowledge();
            }
          }
        }
      }
    } catch (WireException e) {
      hub.complain(peer + ": " + e.getMessage());
    } catch (IOException e) {
      LOG.log(Level.TRACE, "A connection of " + peer + " ended.", e);
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "A connection of " + peer + " failed.", e);
    } finally {
      Buffers.give(buffer);
      close();
      sayLastWill();
      leave();
    }
  }

  private void leave() {
    Presence mine = presence;
    if (mine != null) {
      hub.gone(mine);
    }
    hub.left(this);
    ended.countDown();
  }

  /** Waits until its last will is said, if it has one, but not for ever. */
  void awaitEnd(long nanos) {
    try {
      ended.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Null until it was let in. */
  @Nullable Sender sender() {
    Presence mine = presence;
    return mine == null ? null : mine.sender();
  }

  /** Greets, and sees whether this end may come in; null when it may not. */
  private @Nullable Flow letIn(FrameReader in) throws IOException {
    int[] versions = in.greeting();
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(channel, buffer);
      out.greet();
      if (versions[0] > Wire.VERSION || versions[1] < Wire.VERSION) {
        hub.complain(peer + " speaks another version: update the older.");
        linger(in);
        return null;
      }
      ByteBuffer hello = in.next().body();
      if (hello.remaining() < 4) {
        throw new WireException("bad-frame", "The greeting is too short.");
      }
      long credit = hello.getInt() & 0xffff_ffffL;
      try {
        Gate.Pass shown = hub.gate().open(Messages.text(hello, hello.remaining()));
        if (peer.subject() != null && !peer.subject().equals(shown.subject())) {
          throw new TransportException(
              REFUSED,
              "credential-of-another",
              "This credential is for another computation than the VM that shows it.");
        }
        Sender sender = new Sender(peer, shown.subject());
        hub.endQuiet(sender);
        if (hub.waiting(sender) > hub.limits().leftBehind()) {
          throw new TransportException(
              RETRY,
              "not-taken-yet",
              "What this end sent before waits still for who is to have it: come again later.");
        }
        boolean patient = peer.isHost() && !shown.sends().isEmpty();
        Outflow back = new Outflow(hub.limits(), hub.held(), patient, credit);
        out.begin(Wire.WELCOME, 4).put4((int) hub.limits().window()).end();
        out.flush();
        in.as(Wire.Side.HUB);
        Presence mine = hub.come(sender);
        number = mine.come();
        presence = mine;
        outflow = back;
        pass = shown;
        heardAt = hub.now();
        hub.thread("-write", () -> write(back)).start();
        hub.joined(this);
        return new Flow(sender, back, hub.limits().window());
      } catch (TransportException e) {
        hub.complain(peer + ": " + e.getMessage());
        put(new Outflow.Goodbye(e.category() == REFUSED, e.code(), sentence(e)), out);
        linger(in);
        return null;
      }
    } finally {
      Buffers.give(buffer);
    }
  }

  private static String sentence(TransportException e) {
    String words = e.getMessage() == null ? e.code() : e.getMessage();
    return words.replaceAll("[^ -~]", "?");
  }

  private static void put(Outflow.Goodbye words, FrameWriter out) throws IOException {
    String sentence = words.sentence().substring(0, Math.min(words.sentence().length(), 512));
    out.begin(Wire.GOODBYE, 2 + words.code().length() + sentence.length());
    out.put1(words.refused() ? 1 : 0).put1(words.code().length());
    out.text(words.code()).text(sentence).end();
    out.flush();
  }

  /** Leaves the end the time to read what it was told: to close at once might take it away. */
  private void linger(FrameReader in) throws IOException {
    endAt = hub.now() + GOODBYE_NANOS;
    channel.shutdownOutput();
    in.skip();
  }

  private void take(FrameReader.Frame frame, Flow flow, Outflow out) throws WireException {
    ByteBuffer body = frame.body();
    switch (frame.kind()) {
      case Wire.SEND -> send(body, flow, out);
      case Wire.PING -> out.pong();
      case Wire.CREDIT -> out.credit(exactly(body, 4).getInt() & 0xffff_ffffL);
      case Wire.WILL -> keepLastWill(body);
      case Wire.SUBSCRIBE -> subscribe(body, out);
      case Wire.UNSUBSCRIBE -> unsubscribe(exactly(body, 4).getInt());
      default -> throw new WireException("bad-frame", "A frame of kind " + frame.kind());
    }
  }

  private void send(ByteBuffer body, Flow flow, Outflow out) throws WireException {
    long number = flow.came(body.remaining());
    if (number == 0) {
      throw new WireException("window-exceeded", "It sends more than it was allowed to.");
    }
    Message message = Messages.read(body.duplicate());
    Routes.Route route = routes.of(message.address());
    if (!route.permitted()) {
      if (!out.denied(number)) {
        goodbye(false, "too-slow", "Too many refusals wait to be read.");
      }
    } else {
      speaks();
      pass(body, route, flow);
    }
    flow.done();
  }

  private void speaks() {
    Presence mine = presence;
    if (!spoke && mine != null) {
      mine.speaks(number);
      spoke = true;
    }
  }

  private void pass(ByteBuffer message, Routes.Route route, Flow flow) {
    for (Routes.Target target : route.targets()) {
      target.deliver(message, flow);
    }
    hub.relieve();
  }

  private void keepLastWill(ByteBuffer body) throws WireException {
    lastWill = null;
    if (body.hasRemaining()) {
      String address = Messages.read(body.duplicate()).address();
      if (routes.of(address).permitted()) {
        lastWill = new Will(address, body);
      } else {
        goodbye(
            true, "will-not-permitted", "The credential does not cover the last will's address.");
      }
    }
  }

  /** Says it behind what this end said before, unless its word counts no more. */
  private void sayLastWill() {
    Gate.Pass shown = pass;
    Presence mine = presence;
    Flow from = flow;
    Will will = lastWill;
    if (will != null && from != null && shown != null && mine != null && hub.speaksFor(shown)) {
      mine.sayLastWill(number, () -> pass(will.message(), routes.of(will.address()), from));
    }
  }

  private void subscribe(ByteBuffer body, Outflow out) throws WireException {
    Gate.Pass shown = pass;
    Sub[] now = subscriptions;
    if (shown == null || body.remaining() < 4 || now.length >= Wire.MAX_SUBSCRIPTIONS) {
      throw new WireException("bad-subscription", "It has too many subscriptions, or a short one.");
    }
    int number = body.getInt();
    Pattern pattern;
    try {
      pattern = Pattern.of(Messages.text(body, body.remaining()));
    } catch (TransportException e) {
      throw new WireException("bad-subscription", "It subscribes to what is no pattern.");
    }
    for (Sub each : now) {
      if (each.number() == number) {
        throw new WireException("bad-subscription", "It uses a subscription's number twice.");
      }
    }
    if (!Pattern.anyCovers(shown.receives(), pattern)) {
      if (!out.unheard(number)) {
        goodbye(false, "too-slow", "Too many refusals wait to be read.");
      }
      return;
    }
    Sub[] more = Arrays.copyOf(now, now.length + 1);
    more[now.length] = new Sub(number, pattern);
    subscriptions = more;
    hub.changed();
  }

  private void unsubscribe(int number) {
    subscriptions =
        Arrays.stream(subscriptions).filter(each -> each.number() != number).toArray(Sub[]::new);
    hub.changed();
  }

  private static ByteBuffer exactly(ByteBuffer body, int length) throws WireException {
    if (body.remaining() != length) {
      throw new WireException("bad-frame", "A frame has the wrong length.");
    }
    return body;
  }

  private void write(Outflow from) {
    ByteBuffer buffer = Buffers.take();
    try {
      FrameWriter out = new FrameWriter(channel, buffer);
      Outflow.Batch batch = new Outflow.Batch();
      while (from.take(batch)) {
        batch.released.forEach(Flow::release);
        write(batch, out);
        out.flush();
        Outflow.Goodbye words = batch.goodbye;
        if (words != null) {
          put(words, out);
          channel.shutdownOutput();
          return;
        }
      }
    } catch (IOException e) {
      LOG.log(Level.TRACE, "A connection of " + peer + " ended.", e);
      close();
    } finally {
      Buffers.give(buffer);
    }
  }

  private static void write(Outflow.Batch batch, FrameWriter out) throws IOException {
    if (batch.pong) {
      out.empty(Wire.PONG);
    }
    for (long number : batch.denied) {
      out.begin(Wire.DENIED, 8).put8(number).end();
    }
    for (int number : batch.unheard) {
      out.begin(Wire.UNHEARD, 4).put4(number).end();
    }
    if (batch.acknowledge >= 0) {
      out.begin(Wire.ACK, 8).put8(batch.acknowledge).end();
    }
    for (Outflow.Item item : batch.items) {
      out.begin(Wire.MESSAGE, item.size).put2(item.subscriptions.length);
      for (int number : item.subscriptions) {
        out.put4(number);
      }
      out.bytes(item.message).end();
    }
  }

  /** Says why, and ends it soon. */
  void goodbye(boolean refused, String code, String sentence) {
    Outflow out = outflow;
    if (endAt == NEVER && out != null) {
      endAt = hub.now() + GOODBYE_NANOS;
      out.goodbye(new Outflow.Goodbye(refused, code, sentence));
    } else if (out == null) {
      close();
    }
  }

  /** Ends it at once. Idempotent. */
  void close() {
    Outflow out = outflow;
    if (out != null) {
      out.close().forEach(Flow::release);
    }
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "A channel did not close well.", e);
    }
  }
}
