// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One connection to the monitor of one QEMU. Lines of JSON go both ways; a reply carries the id of
 * its command, events come between. QEMU holds the guest, so it is not trusted: a line has a
 * greatest length, and what is no JSON ends the connection.
 *
 * <p>QEMU greets one client at a time; a second one connects and hears nothing until the first
 * leaves. Safe for use by several threads; a thread of its own reads.
 */
final class Qmp implements Closeable {

  /** The most bytes of one line. */
  static final int MAX_LINE = 1 << 20;

  /** Told what QEMU says of itself, by the reading thread; must not block. */
  interface Listener {

    /**
     * Something happened.
     *
     * @param name QEMU's name for it: {@code SHUTDOWN}
     * @param data what QEMU says beside, often nothing
     */
    void event(String name, JsonObject data);

    /** The connection is over; told once, and last, and never of one that could not be opened. */
    void closed();
  }

  private final SocketChannel channel;
  private final Listener listener;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, CompletableFuture<JsonValue>> waiting = new ConcurrentHashMap<>();
  private final CompletableFuture<Void> greeted = new CompletableFuture<>();

  /** Whether whoever opens it has it in the end. */
  private final CompletableFuture<Boolean> opened = new CompletableFuture<>();

  private Qmp(SocketChannel channel, Listener listener) {
    this.channel = channel;
    this.listener = listener;
  }

  /**
   * Connects, and waits for the greeting and the first reply.
   *
   * @param within the time for the greeting, and again for the reply
   * @throws IOException when nobody listens, or nobody greets in time
   */
  static Qmp open(Path socket, Duration within, Listener listener) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    Qmp qmp = new Qmp(channel, listener);
    boolean open = false;
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      Thread reader = new Thread(qmp::read, "qmp " + socket);
      reader.setDaemon(true);
      reader.start();
      await(qmp.greeted, within, "QEMU's monitor does not greet: another client may hold it");
      await(qmp.execute("qmp_capabilities"), within, "QEMU's monitor does not answer");
      open = true;
      return qmp;
    } finally {
      qmp.opened.complete(open);
      if (!open) {
        qmp.close();
      }
    }
  }

  /**
   * Sends a command without arguments.
   *
   * @return the reply; fails with an {@link IOException} when QEMU refuses, or the connection ends
   *     first, which is usual after {@code quit}
   */
  CompletableFuture<JsonValue> execute(String command) {
    return execute(command, JsonObject.empty());
  }

  /** Sends a command with arguments. */
  CompletableFuture<JsonValue> execute(String command, JsonObject arguments) {
    long id = ids.incrementAndGet();
    CompletableFuture<JsonValue> reply = new CompletableFuture<>();
    waiting.put(id, reply);
    ByteBuffer line =
        UTF_8.encode(
            JsonObject.builder()
                    .put("execute", command)
                    .put("arguments", arguments)
                    .put("id", id)
                    .build()
                + "\n");
    try {
      synchronized (waiting) {
        while (line.hasRemaining()) {
          channel.write(line);
        }
      }
    } catch (IOException e) {
      waiting.remove(id);
      reply.completeExceptionally(e);
    }
    if (!channel.isOpen()) {
      fail("The monitor is closed");
    }
    return reply;
  }

  /** The same, waiting for the reply. */
  JsonValue call(String command, Duration within) throws IOException {
    return await(execute(command), within, "QEMU does not answer " + command);
  }

  /** Leaves; QEMU goes on. The listener is told. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void read() {
    try (InputStream in = new BufferedInputStream(Channels.newInputStream(channel))) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (b == '\n') {
          message(Json.parseObject(line.toByteArray(), MAX_LINE));
          line.reset();
        } else if (line.size() < MAX_LINE) {
          line.write(b);
        } else {
          throw new IOException("QEMU's line is longer than " + MAX_LINE);
        }
      }
      fail("QEMU closed its monitor");
    } catch (IOException | ProtocolException e) {
      fail("The monitor is closed: " + e.getMessage());
    } finally {
      var unused =
          opened.thenAccept(
              given -> {
                if (given) {
                  listener.closed();
                }
              });
    }
  }

  private void message(JsonObject message) {
    if (message.has("QMP")) {
      greeted.complete(null);
    } else if (message.has("event")) {
      listener.event(
          message.string("event"), message.optionalObject("data").orElseGet(JsonObject::empty));
    } else {
      long id = message.optionalInteger("id", 0, Long.MAX_VALUE).orElse(0);
      CompletableFuture<JsonValue> reply = waiting.remove(id);
      if (reply == null) {
        return;
      }
      if (message.has("return")) {
        message.get("return").ifPresent(reply::complete);
      } else {
        reply.completeExceptionally(
            new IOException(
                "QEMU refuses: "
                    + message
                        .optionalObject("error")
                        .flatMap(error -> error.optionalString("desc"))
                        .orElse("without a reason")));
      }
    }
  }

  private void fail(String why) {
    IOException gone = new IOException(why);
    greeted.completeExceptionally(gone);
    for (Iterator<CompletableFuture<JsonValue>> all = waiting.values().iterator();
        all.hasNext(); ) {
      CompletableFuture<JsonValue> reply = all.next();
      all.remove();
      reply.completeExceptionally(gone);
    }
  }

  private static <T> T await(CompletableFuture<T> future, Duration within, String late)
      throws IOException {
    try {
      return future.get(within.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IOException(late, e);
    } catch (ExecutionException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted", e);
    }
  }
}
