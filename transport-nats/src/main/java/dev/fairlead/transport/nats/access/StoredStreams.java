// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.nats.Stored;
import dev.fairlead.transport.nats.SystemLink;
import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes and removes JetStream streams: one for each stored address, in files, from which a message
 * goes when the reader has dealt with it, and which refuses what finds no room rather than drop
 * what it has; and in each the durable consumer of the reader. Each call opens a connection and
 * closes it again: calls come with a sender and go with it.
 */
final class StoredStreams {

  private static final Duration ANSWER = Duration.ofSeconds(3);
  private static final int MAX_MESSAGE = 1 << 20;

  /** What the reader has not answered for in this time comes again. */
  private static final Duration AGAIN_AFTER = Duration.ofSeconds(5);

  /** What may be on its way to the reader from one address. */
  private static final int UNDER_WAY = 32;

  /** A stream stays for so long after its sender: what was under way is taken in. */
  private static final Duration LINGER = Duration.ofMinutes(1);

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats.access");

  private static final int IN_USE = 10058;
  private static final int NOT_FOUND = 10059;
  private static final Set<Integer> FULL = Set.of(10002, 10023, 10047);

  private final Function<String, @Nullable String> settings;
  private final StoreSettings store;
  private final InstantSource clock;

  /**
   * Subjects whose sender is gone, and since when; of one whose removal failed, when that was.
   * Guarded by this.
   */
  private final Map<String, Instant> gone = new HashMap<>();

  /**
   * Makes one.
   *
   * @param settings as for a transport, with the credential of one that may use JetStream's API
   */
  StoredStreams(
      Function<String, @Nullable String> settings, StoreSettings store, InstantSource clock) {
    this.settings = settings;
    this.store = store;
    this.clock = clock;
  }

  /**
   * Has some addresses stored from now on, and others no more, when they hold nothing and were not
   * live for a minute, as far as earlier calls have seen: so nothing is removed that was confirmed
   * and is still being taken in.
   *
   * @param wanted subjects to be stored now
   * @param live subjects that may be in use, beside those
   * @throws TransportException {@code RETRY}: {@code store-full} when no room can be set aside for
   *     them, else {@code broker-silent} or {@code broker-refused}
   */
  synchronized void keep(Collection<String> wanted, Set<String> live) {
    boolean unused =
        SystemLink.talk(
            settings,
            ANSWER,
            asking -> {
              removeUnused(asking, wanted, live);
              for (String subject : wanted) {
                ensure(asking, subject);
              }
              return true;
            });
  }

  /** What goes wrong here is no matter of the caller's, who wants something else. */
  private void removeUnused(SystemLink.Asking asking, Collection<String> wanted, Set<String> live)
      throws InterruptedException {
    Instant now = clock.instant();
    List<String> idle;
    try {
      idle = new ArrayList<>(ours(asking));
    } catch (TransportException e) {
      LOG.log(Level.WARNING, "It is not known which streams are no longer used.", e);
      return;
    }
    idle.removeAll(live);
    idle.removeAll(wanted);
    gone.keySet().retainAll(Set.copyOf(idle));
    for (String subject : idle) {
      if (!gone.computeIfAbsent(subject, absent -> now).plus(LINGER).isAfter(now)) {
        try {
          removeIfEmpty(asking, subject);
        } catch (TransportException e) {
          gone.put(subject, now); // others first, then this one again
          LOG.log(Level.WARNING, "The stream of " + subject + " could not be removed.", e);
          if (e.code().equals("broker-silent")) {
            return; // each that is waited for is time of the caller's
          }
        }
      }
    }
  }

  private List<String> ours(SystemLink.Asking asking) throws InterruptedException {
    List<String> ours = new ArrayList<>();
    long total = 1;
    for (long offset = 0; offset < total; ) {
      JsonValue page = json(asking.ask("$JS.API.STREAM.NAMES", "{\"offset\":" + offset + "}"));
      JsonValue names = member(page, "streams");
      if (names == null || names.array == null || names.array.isEmpty()) {
        break;
      }
      for (JsonValue name : names.array) {
        String subject = name.string == null ? "" : Stored.subject(name.string);
        if (store.pattern(subject).isPresent()) {
          ours.add(subject);
        }
      }
      total = number(member(page, "total"));
      offset += names.array.size();
    }
    return ours;
  }

  private void ensure(SystemLink.Asking asking, String subject) throws InterruptedException {
    String stream = Stored.stream(subject);
    String body =
        """
        {"name":%s,"subjects":[%s],"retention":"workqueue","storage":"file","discard":"new",\
        "max_bytes":%d,"max_msg_size":%d,"max_msgs":-1,"max_age":0,"max_consumers":1,\
        "num_replicas":1,"deny_delete":true,"deny_purge":true}"""
            .formatted(Json.string(stream), Json.string(subject), store.bytesEach(), MAX_MESSAGE);
    String made = asking.ask("$JS.API.STREAM.CREATE." + stream, body);
    if (code(made) == IN_USE) { // with other limits, of an earlier deployment
      made = asking.ask("$JS.API.STREAM.UPDATE." + stream, body);
    }
    require(made);
    String consumer =
        """
        {"stream_name":%s,"config":{"durable_name":%s,"deliver_subject":%s,\
        "deliver_policy":"all","ack_policy":"explicit","ack_wait":%d,"max_deliver":-1,\
        "max_ack_pending":%d,"replay_policy":"instant"}}"""
            .formatted(
                Json.string(stream),
                Json.string(Stored.CONSUMER),
                Json.string(Stored.delivered(store.pattern(subject).orElse(subject))),
                AGAIN_AFTER.toNanos(),
                UNDER_WAY);
    require(
        asking.ask("$JS.API.CONSUMER.DURABLE.CREATE." + stream + "." + Stored.CONSUMER, consumer));
  }

  private static void removeIfEmpty(SystemLink.Asking asking, String subject)
      throws InterruptedException {
    String stream = Stored.stream(subject);
    String found = asking.ask("$JS.API.STREAM.INFO." + stream, "");
    if (code(found) == NOT_FOUND) {
      return;
    }
    require(found);
    if (number(member(member(json(found), "state"), "messages")) == 0) {
      require(asking.ask("$JS.API.STREAM.DELETE." + stream, ""));
    }
  }

  private static void require(String answer) {
    int code = code(answer);
    if (code == 0) {
      return;
    }
    if (FULL.contains(code)) {
      throw new TransportException(
          RETRY,
          "store-full",
          "The broker has no room to set aside for another sender's messages: "
              + "make room on its disk, or lower store.mib.");
    }
    throw new TransportException(
        RETRY,
        "broker-refused",
        "The broker does not store as it is told to: "
            + answer.substring(0, Math.min(300, answer.length())));
  }

  private static int code(String answer) {
    JsonValue error = member(json(answer), "error");
    return error == null ? 0 : (int) Math.max(1, number(member(error, "err_code")));
  }

  private static JsonValue json(String answer) {
    try {
      return JsonParser.parse(answer);
    } catch (JsonParseException e) {
      throw new TransportException(RETRY, "broker-refused", "The broker's answer is no JSON.", e);
    }
  }

  private static @Nullable JsonValue member(@Nullable JsonValue json, String name) {
    return json == null || json.map == null ? null : json.map.get(name);
  }

  private static long number(@Nullable JsonValue value) {
    if (value == null) {
      return 0;
    }
    return value.i != null ? value.i : value.l != null ? value.l : 0;
  }
}
