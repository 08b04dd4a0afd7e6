// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Answers what a {@link Requester} asks. A request that comes twice is done once: its answer is
 * kept, and given again. Answers are remembered for the last {@value #MAX_REMEMBERED} requests;
 * whoever needs more keeps the id with what was done. Safe for use by several threads.
 */
public final class Responder implements AutoCloseable {

  private static final int MAX_REMEMBERED = 4096;
  private static final long MAX_REMEMBERED_BYTES = 16L * 1024 * 1024;
  private static final int MAX_ID = 64;
  private static final Logger LOG = System.getLogger(Responder.class.getName());

  private final Link link;
  private final Function<String, Optional<String>> replyAddress;
  private final Handler handler;
  private final Subscription requests;

  /** By address and id, oldest first; guarded by itself. */
  private final Map<Key, Done> remembered = new LinkedHashMap<>();

  private long rememberedBytes;

  /** Does what is asked. */
  public interface Handler {

    /**
     * Answers a request.
     *
     * @param address to which it was sent: it says who asks
     * @param id of the request
     * @param payload what is asked; may be kept
     * @return the answer's payload; where it fails, nothing is answered, and the request may come
     *     again. Must not block
     */
    CompletionStage<byte[]> answer(String address, String id, byte[] payload);
  }

  private record Key(String address, String id) {}

  /** What became of a request; the answer is null while it is being worked on. */
  private static final class Done {
    private volatile byte @Nullable [] answer;
  }

  /**
   * Makes one, and begins to answer.
   *
   * @param pattern of the addresses to which requests are sent
   * @param replyAddress where the answers to requests of an address go; empty to ignore them
   */
  public Responder(
      Link link, String pattern, Function<String, Optional<String>> replyAddress, Handler handler) {
    this.link = requireNonNull(link, "link is null");
    this.replyAddress = requireNonNull(replyAddress, "replyAddress is null");
    this.handler = requireNonNull(handler, "handler is null");
    this.requests = link.subscribe(pattern, this::asked);
  }

  /** Answers no more requests; those under way are still answered. Idempotent. */
  @Override
  public void close() {
    requests.close();
  }

  private void asked(Message message) {
    String id = message.headers().get(Requester.HEADER);
    if (id == null || id.isEmpty() || id.length() > MAX_ID) {
      return;
    }
    Optional<String> to = replyAddress.apply(message.address());
    if (to.isEmpty()) {
      return;
    }
    Key key = new Key(message.address(), id);
    Done mine = new Done();
    Done before;
    synchronized (remembered) {
      before = remembered.putIfAbsent(key, mine);
      trim();
    }
    if (before != null) {
      byte[] answer = before.answer;
      if (answer != null) {
        send(to.get(), id, answer);
      }
      return;
    }
    handle(message, id)
        .whenComplete(
            (answer, failure) -> {
              if (answer == null) {
                LOG.log(
                    Level.WARNING, "A request could not be answered; it may come again.", failure);
                forget(key, mine);
              } else {
                remember(key, mine, answer);
                send(to.get(), id, answer);
              }
            });
  }

  private CompletionStage<byte[]> handle(Message message, String id) {
    try {
      return handler.answer(message.address(), id, message.bytes());
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  private void remember(Key key, Done mine, byte[] answer) {
    synchronized (remembered) {
      if (remembered.get(key) == mine) {
        mine.answer = answer;
        rememberedBytes += answer.length;
        trim();
      }
    }
  }

  private void forget(Key key, Done mine) {
    synchronized (remembered) {
      remembered.remove(key, mine);
    }
  }

  private void trim() {
    var oldest = remembered.values().iterator();
    while (oldest.hasNext()
        && (remembered.size() > MAX_REMEMBERED || rememberedBytes > MAX_REMEMBERED_BYTES)) {
      byte[] answer = oldest.next().answer;
      rememberedBytes -= answer == null ? 0 : answer.length;
      oldest.remove();
    }
  }

  private void send(String to, String id, byte[] answer) {
    link.send(new Message(to, Map.of(Requester.HEADER, id), ByteBuffer.wrap(answer)))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                LOG.log(
                    Level.DEBUG,
                    "An answer could not be sent; it will be asked for again.",
                    failure);
              }
            });
  }
}
