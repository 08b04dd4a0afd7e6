// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Asks, and waits for the answer: the request is sent again until it comes, under one id, so that
 * the other end does it once. Answers are told apart by the header {@value #HEADER}. Safe for use
 * by several threads; nothing blocks.
 */
public final class Requester implements AutoCloseable {

  /** Names the request, and its answer: 1 to 64 characters. */
  public static final String HEADER = "fl-request";

  private static final int MAX_PENDING = 256;
  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final Link link;
  private final Runner runner;
  private final String address;
  private final Subscription replies;
  private final Subscription connected;
  private final Map<String, Pending> pending = new ConcurrentHashMap<>();
  private volatile boolean closed;

  private record Pending(Message message, CompletableFuture<byte[]> future) {}

  /**
   * Makes one.
   *
   * @param address where requests are sent
   * @param replyAddress where answers come
   */
  public Requester(Link link, Runner runner, String address, String replyAddress) {
    this.link = requireNonNull(link, "link is null");
    this.runner = requireNonNull(runner, "runner is null");
    this.address = Message.requireAddress(address);
    this.replies = link.subscribe(Message.requireAddress(replyAddress), this::answered);
    this.connected = link.onConnected(() -> List.copyOf(pending.values()).forEach(this::send));
  }

  /**
   * Asks.
   *
   * @param payload at most the largest payload of a message; copied
   * @param patience how long to wait for the answer
   * @return the answer's payload, completed by a thread that must not be blocked; fails with a
   *     {@link DeliveryException}: {@code RETRY} with code {@code no-answer} or {@code
   *     too-many-requests}, {@code BROKEN} once closed
   */
  public CompletionStage<byte[]> ask(byte[] payload, Duration patience) {
    return ask(UUID.randomUUID().toString(), payload, patience);
  }

  /**
   * Asks under an id of the caller's own, so that one who asks again after a restart is known.
   *
   * @param id 1 to 64 printable ASCII characters
   */
  public CompletionStage<byte[]> ask(String id, byte[] payload, Duration patience) {
    if (closed) {
      return CompletableFuture.failedStage(closed());
    }
    Message message = new Message(address, Map.of(HEADER, id), ByteBuffer.wrap(payload.clone()));
    Pending mine = new Pending(message, new CompletableFuture<>());
    if (pending.size() >= MAX_PENDING || pending.putIfAbsent(id, mine) != null) {
      return CompletableFuture.failedStage(
          new DeliveryException(
              RETRY, "too-many-requests", "Wait for the answers to the requests that are asked."));
    }
    send(mine);
    runner.after(AGAIN, () -> again(mine));
    runner.after(
        patience,
        () -> {
          if (pending.remove(id, mine)) {
            mine.future.completeExceptionally(
                new DeliveryException(
                    RETRY,
                    "no-answer",
                    "No answer came within %s: see whether the other end runs, and try again."
                        .formatted(patience)));
          }
        });
    return mine.future;
  }

  /** Fails what is pending, and asks no more. Idempotent. */
  @Override
  public void close() {
    closed = true;
    replies.close();
    connected.close();
    pending
        .values()
        .removeIf(
            mine -> {
              mine.future.completeExceptionally(closed());
              return true;
            });
  }

  private void again(Pending mine) {
    if (!mine.future.isDone()) {
      send(mine);
      runner.after(AGAIN, () -> again(mine));
    }
  }

  private void send(Pending mine) {
    link.send(mine.message)
        .whenComplete(
            (done, failure) -> {
              // It is sent again anyway, until the patience is over.
            });
  }

  private void answered(Message message) {
    String id = message.headers().get(HEADER);
    Pending mine = id == null ? null : pending.remove(id);
    if (mine != null) {
      mine.future.complete(message.bytes());
    }
  }

  private static DeliveryException closed() {
    return new DeliveryException(BROKEN, "closed", "The requester has been closed.");
  }
}
