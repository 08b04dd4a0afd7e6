// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * A peer that stores what is sent to it to be stored, each address by itself: in the order of each
 * connection or not at all, as far as there is room, until the reader has dealt with it. What is
 * not dealt with comes again, the oldest first. What was not synced may be gone after a power cut,
 * a tail of it; and what was dealt with may be there again.
 */
class SimBroker {

  /** What the reader has not answered for in this time comes again, in ns. */
  private static final long AGAIN_AFTER = 5_000_000_000L;

  /** What the reader cannot take now comes again then. */
  private static final long LATER = 500_000_000L;

  /** A sender waits so long for an answer. */
  private static final long PATIENCE = 10_000_000_000L;

  /** What may be with the reader, of one address. */
  private static final int UNDER_WAY = 32;

  /** One and the same message is lost so often on its way to the reader, cuts not counted. */
  private static final int MOST_LOSSES = 2;

  private final SimTime time;
  private final Random random;
  private final Map<String, NavigableMap<Long, Kept>> addresses = new TreeMap<>();
  private final List<Kept> dealtWith = new ArrayList<>();
  private final Map<StreamId, Set<Long>> lost = new HashMap<>();
  private long sequence;
  private long lookAt = Long.MAX_VALUE;

  /** What may lie here of one address, in bytes. */
  long room = Long.MAX_VALUE;

  /** Whether it syncs each message before it says that it is stored. */
  boolean syncsAlways;

  long confirmed;
  long refused;
  long givenAgain;
  long lostMessages;

  SimBroker(SimTime time, Random random) {
    this.time = time;
    this.random = random;
  }

  /** Whether it says that it has stored what has only been sent. */
  boolean saysSoTooEarly() {
    return false;
  }

  /** Whether it takes what comes behind a message that it has not taken. */
  boolean takesWhatComesBehind() {
    return false;
  }

  /** A message that it holds. */
  private static final class Kept {
    private final long number;
    private final Message message;

    /** The sender has been told. */
    private boolean confirmed;

    private boolean synced;
    private boolean given;
    private long due;
    private int losses;

    Kept(long number, Message message) {
      this.number = number;
      this.message = message;
    }
  }

  /** What is sent over one connection to one address. */
  final class Lane {

    private final SimNet.End end;
    private final List<Sent> underWay = new ArrayList<>();
    private boolean failing;
    private long series;
    private long sent;
    private long taken;
    private long lastArrival;

    Lane(SimNet.End end) {
      this.end = end;
    }

    private final class Sent {
      private final Message message;
      private final long mySeries = series;
      private final long turn = ++sent;
      private final CompletableFuture<Void> answer = new CompletableFuture<>();

      Sent(Message message) {
        this.message = message;
      }

      /**
       * First it is told, so that whoever sends again begins with the first; then others may go.
       */
      void answered(String failure) {
        if (!underWay.contains(this)) {
          return; // given up before
        }
        if (failure.isEmpty()) {
          underWay.remove(this);
          answer.complete(null);
        } else {
          failing = true;
          answer.completeExceptionally(failed(failure));
          underWay.remove(this);
        }
        if (failing && underWay.isEmpty()) {
          failing = false;
          series++;
          sent = 0;
          taken = 0;
        }
      }
    }

    CompletionStage<Void> send(Message message) {
      boolean refused = end.happens(end.weather().refusal);
      if (failing || refused || !end.connected()) {
        failing |= refused && !underWay.isEmpty();
        return CompletableFuture.failedStage(failed("busy"));
      }
      Sent one = new Sent(message);
      underWay.add(one);
      time.at(time.nanoTime() + PATIENCE, () -> one.answered("not-stored"));
      if (saysSoTooEarly()) {
        one.answered("");
      }
      if (!end.happens(end.weather().loss)) {
        time.at(arrival(), end.whileConnected(() -> take(one)));
      }
      return one.answer;
    }

    private long arrival() {
      lastArrival = Math.max(lastArrival + 1, end.arrival());
      return lastArrival;
    }

    private void take(Sent one) {
      if (one.mySeries != series) {
        return; // given up before
      }
      String failure = "";
      Kept kept = null;
      if (one.turn != taken + 1 && !takesWhatComesBehind()) {
        failure = "out-of-turn";
      } else if (!hasRoom(one.message)) {
        failure = "store-full";
        refused++;
      } else {
        taken = one.turn;
        kept = keep(one.message);
      }
      if (!end.happens(end.weather().silence)) {
        String said = failure;
        Kept mine = kept;
        time.at(
            arrival(),
            end.whileConnected(
                () -> {
                  if (mine != null && underWay.contains(one)) {
                    mine.confirmed = true;
                    confirmed++;
                  }
                  one.answered(said);
                }));
      }
    }

    /** The connection is gone, and with it all answers. */
    void end() {
      failing = true;
      List.copyOf(underWay).forEach(one -> one.answered("not-connected"));
    }
  }

  private static TransportException failed(String code) {
    return new TransportException(RETRY, code, "The message was not stored.");
  }

  private boolean hasRoom(Message message) {
    long bytes = message.payload().remaining() + 200L;
    for (Kept kept : of(message.address()).values()) {
      bytes += kept.message.payload().remaining() + 200L;
    }
    return bytes <= room;
  }

  private NavigableMap<Long, Kept> of(String address) {
    return addresses.computeIfAbsent(address, any -> new TreeMap<>());
  }

  private Kept keep(Message message) {
    Kept kept = new Kept(++sequence, message);
    kept.synced = syncsAlways;
    of(message.address()).put(kept.number, kept);
    lookSoon();
    return kept;
  }

  // The reader's side.

  private final List<SimNet.End> readers = new ArrayList<>();

  void reads(SimNet.End end) {
    if (!readers.contains(end)) {
      readers.add(end);
    }
    lookSoon();
  }

  void readsNoMore(SimNet.End end) {
    readers.remove(end);
  }

  /** Something has changed: see who is to be given what. */
  void lookSoon() {
    lookAt(time.nanoTime());
  }

  private void lookAt(long at) {
    if (at < lookAt) {
      lookAt = at;
      time.at(
          at,
          () -> {
            if (lookAt == at) {
              lookAt = Long.MAX_VALUE;
              look();
            }
          });
    }
  }

  private void look() {
    long now = time.nanoTime();
    long next = Long.MAX_VALUE;
    for (NavigableMap<Long, Kept> all : addresses.values()) {
      long underWay = all.values().stream().filter(kept -> kept.given).count();
      for (Kept kept : all.values()) {
        boolean may = kept.given ? kept.due <= now : underWay < UNDER_WAY;
        if (may && isRead(kept)) {
          underWay += kept.given ? 0 : 1;
          givenAgain += kept.given ? 1 : 0;
          give(kept, now);
        }
        if (kept.given) {
          next = Math.min(next, Math.max(kept.due, now + 1_000_000));
        }
      }
    }
    if (next != Long.MAX_VALUE && readers.stream().anyMatch(SimNet.End::connected)) {
      lookAt(next); // else whoever connects has it looked
    }
  }

  private boolean isRead(Kept kept) {
    return readers.stream().anyMatch(end -> !end.readersOf(kept.message).isEmpty());
  }

  private void give(Kept kept, long now) {
    kept.given = true;
    kept.due = now + AGAIN_AFTER;
    for (SimNet.End end : List.copyOf(readers)) {
      for (Function<Message, CompletionStage<Void>> handler : end.readersOf(kept.message)) {
        if (kept.losses < MOST_LOSSES && end.happens(end.weather().loss)) {
          kept.losses++;
        } else {
          for (int copies = end.happens(end.weather().doubling) ? 2 : 1; copies > 0; copies--) {
            time.at(end.arrival(), end.whileConnected(() -> read(kept, end, handler)));
          }
        }
      }
    }
  }

  private void read(Kept kept, SimNet.End end, Function<Message, CompletionStage<Void>> handler) {
    Runnable dealt =
        end.whileConnected(
            () -> {
              if (of(kept.message.address()).remove(kept.number, kept)) {
                dealtWith.add(kept);
                lookSoon();
              }
            });
    Runnable again =
        end.whileConnected(
            () -> {
              kept.due = time.nanoTime() + LATER;
              lookAt(kept.due);
            });
    handler
        .apply(kept.message)
        .whenComplete(
            (done, failure) -> {
              if (!end.happens(end.weather().silence)) {
                time.at(end.arrival(), failure == null ? dealt : again);
              }
            });
  }

  // What befalls it.

  /** All that it holds is on its disk. */
  void sync() {
    addresses.values().forEach(all -> all.values().forEach(kept -> kept.synced = true));
    dealtWith.clear();
  }

  /** It was killed and is there again: nothing is lost but who has been given what. */
  void restart() {
    if (random.nextBoolean()) {
      addresses.values().forEach(all -> all.values().forEach(kept -> kept.given = false));
    }
  }

  /** The power is gone, and with it a tail of each address of what was not synced. */
  void powerCut() {
    for (Kept kept : dealtWith) {
      if (kept.synced && random.nextBoolean()) {
        of(kept.message.address()).put(kept.number, kept);
      }
    }
    for (NavigableMap<Long, Kept> all : addresses.values()) {
      List<Kept> unsynced = all.values().stream().filter(kept -> !kept.synced).toList();
      int left = unsynced.isEmpty() ? 0 : random.nextInt(unsynced.size() + 1);
      for (Kept kept : unsynced.subList(left, unsynced.size())) {
        all.remove(kept.number);
        if (kept.confirmed) {
          lose(kept.message);
        }
      }
      all.values().forEach(kept -> kept.given = false);
    }
    sync();
  }

  private void lose(Message message) {
    lostMessages++;
    Map<String, String> headers = message.headers();
    String epoch = requireNonNull(headers.get("fl-epoch"));
    long first = Long.parseLong(requireNonNull(headers.get("fl-first")));
    long count = Long.parseLong(requireNonNull(headers.get("fl-count")));
    Set<Long> numbers =
        lost.computeIfAbsent(new StreamId(message.address(), epoch), any -> new HashSet<>());
    for (long number = first; number < first + count; number++) {
      numbers.add(number);
    }
  }

  /** Whether it had confirmed a record, and lost it in a power cut. */
  boolean hasLost(StreamId stream, long number) {
    return lost.getOrDefault(stream, Set.of()).contains(number);
  }

  /** Whether all was dealt with. */
  boolean isEmpty() {
    return addresses.values().stream().allMatch(Map::isEmpty);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    addresses.forEach(
        (address, all) ->
            all.values()
                .forEach(kept -> text.append(address).append(' ').append(kept.message.headers())));
    return text.toString();
  }
}
