// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.KeptTransport;
import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What was sent on one connection to be stored by JetStream, and has no answer yet.
 *
 * <p>JetStream takes each message for itself: of several that are under way it may refuse one, for
 * want of room, and take the next. So each says at which number the stream must stand for it to be
 * taken ({@code Nats-Expected-Last-Sequence}); then all behind one that was refused are refused as
 * well, and a stream holds what was sent to its address without a hole. The first on a connection,
 * and the first after a failure, says nothing and goes alone: its answer tells the number. That
 * needs a JetStream stream for each address, into which nobody else sends.
 *
 * <p>The answers are JSON: {@code {"stream":"…","seq":7}} or {@code {"error":{"code":400,
 * "err_code":10077,"description":"maximum bytes exceeded"},…}}. They come at subjects that nobody
 * else can guess; one that names another stream than the message's is ignored.
 */
final class StoredSends {

  /** Hands a message to the connection. */
  interface Way {
    /**
     * Sends, without blocking.
     *
     * @param reply the subject of the answer
     * @param expected the number at which the stream must stand, negative for any
     * @throws TransportException as {@code Transport.send} fails
     */
    void publish(Message message, String reply, long expected);
  }

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats");

  /** What may be without an answer. */
  private static final int MAX_MESSAGES = 1024;

  private static final long MAX_BYTES = 32L << 20;

  /** An answer that takes longer than this will not come: nothing stores that address. */
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  private static final int MAX_ANSWER = 4096;
  private static final int WRONG_LAST_SEQUENCE = 10071;

  /** JetStream's codes for: no room in the stream, the account, the server, on the disk. */
  private static final Set<Integer> FULL = Set.of(10002, 10023, 10047, 10077);

  private final String prefix;
  private final Way way;

  // All below is guarded by this.
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Map<Long, Sent> underWay = new TreeMap<>();
  private int held;
  private long heldBytes;
  private long tokens;
  private boolean ended;

  /**
   * Makes one.
   *
   * @param prefix of the subjects at which answers come, with its last dot: never used before, and
   *     not to be guessed, since anybody can have JetStream answer at any subject
   */
  StoredSends(String prefix, Way way) {
    this.prefix = prefix;
    this.way = way;
  }

  private enum State {
    /** Nothing is under way; the next goes alone. */
    UNKNOWN,
    /** One goes alone; others wait for its answer. */
    ASKING,
    /** It is known where the stream stands. */
    KNOWN,
    /** One was not taken; nothing more goes until all that is under way has its answer. */
    FAILING
  }

  /** One address. */
  private static final class Lane {
    private State state = State.UNKNOWN;
    private final Deque<Sent> waiting = new ArrayDeque<>();
    private int underWay;

    /** Where the stream stands when all that is under way was taken. */
    private long last;
  }

  private static final class Sent {
    private final Lane lane;
    private final Message message;
    private final CompletableFuture<Void> stored = new CompletableFuture<>();
    private long deadline;

    Sent(Lane lane, Message message) {
      this.lane = lane;
      this.message = message;
    }

    int size() {
      return message.payload().remaining();
    }

    String stream() {
      return Stored.stream(Subjects.of(message.address()));
    }
  }

  /** As {@code Transport.sendStored}. */
  CompletionStage<Void> send(Message message, long now) {
    TransportException reason;
    List<Sent> failed;
    synchronized (this) {
      if (ended) {
        return CompletableFuture.failedStage(KeptTransport.notConnected(null));
      }
      Lane lane = lanes.computeIfAbsent(message.address(), absent -> new Lane());
      Sent one = new Sent(lane, message);
      reason = handOver(one, now);
      if (reason == null) {
        held++;
        heldBytes += one.size();
        return one.stored;
      }
      failed = fail(lane);
    }
    tell(failed, reason);
    return CompletableFuture.failedStage(reason);
  }

  /** Sends it, or lets it wait for its turn; what it failed with, null where it did not. */
  private @Nullable TransportException handOver(Sent one, long now) {
    boolean full = held >= MAX_MESSAGES || (held > 0 && heldBytes + one.size() > MAX_BYTES);
    if (full || one.lane.state == State.FAILING) {
      return KeptTransport.busy(null);
    }
    if (one.lane.state == State.ASKING) {
      one.lane.waiting.add(one);
      return null;
    }
    try {
      publish(one, now);
      return null;
    } catch (TransportException e) {
      return e;
    }
  }

  /** What comes later must not go before what could not be sent; those that waited fail as well. */
  private List<Sent> fail(Lane lane) {
    if (lane.underWay > 0) {
      lane.state = State.FAILING;
    }
    return drain(lane);
  }

  private void publish(Sent one, long now) {
    Lane lane = one.lane;
    boolean known = lane.state == State.KNOWN;
    long token = ++tokens;
    way.publish(one.message, prefix + token, known ? lane.last : -1);
    one.deadline = now + PATIENCE_NANOS;
    underWay.put(token, one);
    lane.underWay++;
    lane.last++;
    lane.state = known ? State.KNOWN : State.ASKING;
  }

  /** An answer has come. */
  void answered(String subject, byte[] answer, long now) {
    String stream = stream(answer);
    Sent one = null;
    synchronized (this) {
      long token = subject.startsWith(prefix) ? token(subject) : 0;
      Sent meant = underWay.get(token);
      if (meant != null && (stream == null || stream.equals(meant.stream()))) {
        one = underWay.remove(token);
      }
    }
    if (one == null) {
      LOG.log(Level.DEBUG, "An answer to {0} came too late, or is none.", subject);
      return;
    }
    try {
      taken(one, sequence(answer), now);
    } catch (TransportException e) {
      refused(one, e);
    }
  }

  private void taken(Sent one, long sequence, long now) {
    List<Sent> failed = List.of();
    TransportException reason = null;
    synchronized (this) {
      Lane lane = one.lane;
      leave(one);
      if (lane.state == State.ASKING) {
        lane.state = State.KNOWN;
        lane.last = sequence;
        try {
          while (!lane.waiting.isEmpty()) {
            publish(lane.waiting.element(), now);
            lane.waiting.remove();
          }
        } catch (TransportException e) {
          failed = fail(lane);
          reason = e;
        }
      }
    }
    one.stored.complete(null);
    tell(failed, reason);
  }

  /** First all are told, so that whoever sends again begins with the first; then the lane opens. */
  private void refused(Sent one, TransportException reason) {
    List<Sent> failed;
    synchronized (this) {
      one.lane.state = State.FAILING;
      failed = drain(one.lane);
    }
    one.stored.completeExceptionally(reason);
    tell(failed, reason);
    synchronized (this) {
      leave(one);
    }
  }

  private void leave(Sent one) {
    Lane lane = one.lane;
    lane.underWay--;
    held--;
    heldBytes -= one.size();
    if (lane.state == State.FAILING && lane.underWay == 0) {
      lane.state = State.UNKNOWN;
    }
  }

  private List<Sent> drain(Lane lane) {
    List<Sent> all = List.copyOf(lane.waiting);
    lane.waiting.clear();
    held -= all.size();
    all.forEach(one -> heldBytes -= one.size());
    return all;
  }

  private static void tell(List<Sent> failed, @Nullable TransportException reason) {
    if (!failed.isEmpty()) {
      TransportException busy = KeptTransport.busy(reason);
      failed.forEach(one -> one.stored.completeExceptionally(busy));
    }
  }

  /** Gives up what has waited for too long. */
  void expire(long now) {
    List<Sent> late = take(one -> now - one.deadline > 0);
    if (!late.isEmpty()) {
      LOG.log(
          Level.WARNING,
          "The broker does not say that it stored {0} messages, the first to {1}: see whether it stores that address.",
          late.size(),
          late.get(0).message.address());
    }
    late.forEach(
        one ->
            refused(
                one,
                new TransportException(
                    RETRY,
                    "not-stored",
                    "The broker does not say that it stored the message: see whether it stores this address.")));
  }

  /** The broker does not permit an address. */
  void forbidden(String address) {
    take(one -> one.message.address().equals(address))
        .forEach(
            one ->
                refused(
                    one,
                    new TransportException(
                        REFUSED,
                        "send-not-permitted",
                        "The broker refused the message: the credential does not cover its address.")));
  }

  /** The connection is gone, and with it all answers. */
  void end() {
    synchronized (this) {
      ended = true;
    }
    take(any -> true).forEach(one -> refused(one, KeptTransport.notConnected(null)));
  }

  private synchronized List<Sent> take(Predicate<Sent> which) {
    List<Sent> some = new ArrayList<>();
    underWay
        .values()
        .removeIf(
            one -> {
              boolean taken = which.test(one);
              if (taken) {
                some.add(one);
              }
              return taken;
            });
    return some;
  }

  private long token(String subject) {
    try {
      return Long.parseLong(subject, prefix.length(), subject.length(), 10);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** The number that a message got. */
  private static long sequence(byte[] answer) {
    JsonValue json = json(answer);
    JsonValue error = member(json, "error");
    if (error == null) {
      long sequence = number(member(json, "seq"));
      if (sequence > 0 && member(json, "stream") != null) {
        return sequence;
      }
      throw new TransportException(
          RETRY, "not-stored", "The broker's answer does not say that it stored the message.");
    }
    long code = number(member(error, "err_code"));
    if (code == WRONG_LAST_SEQUENCE) {
      throw new TransportException(
          RETRY, "out-of-turn", "A message before this one was not stored: send that one first.");
    }
    if (FULL.contains((int) code)) {
      throw new TransportException(
          RETRY,
          "store-full",
          "The broker has no room for more until what it holds is collected: " + text(error));
    }
    throw new TransportException(
        RETRY, "not-stored", "The broker did not store the message: " + text(error));
  }

  /** The stream that answers; null where the answer does not say it. */
  private static @Nullable String stream(byte[] answer) {
    try {
      JsonValue name = member(json(answer), "stream");
      return name == null ? null : name.string == null ? "" : name.string;
    } catch (TransportException e) {
      return null; // it is looked at once more, and refused by its reason
    }
  }

  private static JsonValue json(byte[] answer) {
    try {
      if (answer.length <= MAX_ANSWER) {
        return JsonParser.parse(answer);
      }
    } catch (JsonParseException e) {
      throw new TransportException(RETRY, "not-stored", "The broker's answer is no JSON.", e);
    }
    throw new TransportException(RETRY, "not-stored", "The broker's answer is too long.");
  }

  private static @Nullable JsonValue member(JsonValue json, String name) {
    return json.map == null ? null : json.map.get(name);
  }

  private static long number(@Nullable JsonValue value) {
    if (value == null) {
      return 0;
    }
    return value.i != null ? value.i : value.l != null ? value.l : 0;
  }

  private static String text(JsonValue error) {
    JsonValue text = member(error, "description");
    String said = text == null || text.string == null ? "it does not say why" : text.string;
    return said.substring(0, Math.min(200, said.length()));
  }
}
