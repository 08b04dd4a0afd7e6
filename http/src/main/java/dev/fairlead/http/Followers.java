// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends what takes long to send: a bounded set of threads, one a client, and one that interrupts
 * those whose client takes nothing any more. An interrupt ends a blocked write and its connection.
 */
final class Followers {

  private static final System.Logger LOG = System.getLogger(Followers.class.getName());
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final int BUFFER = 16 << 10;

  private final ThreadPoolExecutor threads;
  private final ScheduledThreadPoolExecutor watch;
  private final Set<Out> writing = ConcurrentHashMap.newKeySet();

  Followers(String name, int most) {
    threads =
        new ThreadPoolExecutor(
            0,
            Math.max(1, most),
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            new NamedThreads(name + "-follow"));
    watch = new ScheduledThreadPoolExecutor(1, new NamedThreads(name + "-watch"));
    if (most == 0) {
      threads.shutdown();
    } else {
      var unused = watch.scheduleWithFixedDelay(this::cutOffStuck, 5, 5, TimeUnit.SECONDS);
    }
  }

  /** Takes the exchange over; false when there is no thread for it. */
  boolean start(HttpExchange exchange, Response response) {
    try {
      threads.execute(() -> run(exchange, response));
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** Interrupts all, and waits for them. */
  void close(long nanos) {
    watch.shutdownNow();
    threads.shutdownNow();
    try {
      threads.awaitTermination(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void cutOffStuck() {
    long now = System.nanoTime();
    for (Out out : writing) {
      out.cutOffIfStuck(now);
    }
  }

  private void run(HttpExchange exchange, Response response) {
    try (exchange;
        InputStream stream = response.stream()) {
      JsonServer.prepare(exchange, response);
      long length =
          response.lines() != null
              ? 0
              : stream != null ? response.streamLength() : response.body().length;
      exchange.sendResponseHeaders(response.status(), length);
      try (Out out = new Out(exchange.getResponseBody())) {
        writing.add(out);
        try {
          write(response, stream, out);
        } finally {
          writing.remove(out);
        }
      }
    } catch (IOException e) {
      LOG.log(DEBUG, () -> "A client left while it was sent to: " + e.getMessage());
    }
  }

  private static void write(Response response, @Nullable InputStream stream, Out out)
      throws IOException {
    Response.LineSource lines = response.lines();
    if (lines == null) {
      if (stream != null) {
        stream.transferTo(out);
      } else {
        out.write(response.body());
      }
      return;
    }
    try {
      // The header goes out now, so that the client knows that it is being served.
      out.flush();
      lines.writeTo(out);
    } catch (InterruptedException e) {
      LOG.log(DEBUG, "Lines ended: the server closes.");
    } catch (HttpProblem e) {
      out.line(e.toJson());
    } catch (RuntimeException e) {
      LOG.log(ERROR, "Lines to a client ended early", e);
      out.line(
          new HttpProblem(500, "internal", "Something failed here; the server's log says what.")
              .toJson());
    }
  }

  /** The way to one client; knows for how long it has been blocked. */
  private static final class Out extends OutputStream implements Response.Lines {

    private final BufferedOutputStream buffer;
    private final Thread writer = Thread.currentThread();
    private boolean blocked;
    private long since;

    Out(OutputStream body) {
      buffer = new BufferedOutputStream(new Timed(body), BUFFER);
    }

    /** Times what really goes to the socket. */
    private final class Timed extends OutputStream {
      private final OutputStream body;

      Timed(OutputStream body) {
        this.body = body;
      }

      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int count) throws IOException {
        begin();
        try {
          body.write(bytes, from, count);
        } finally {
          end();
        }
      }

      @Override
      public void flush() throws IOException {
        begin();
        try {
          body.flush();
        } finally {
          end();
        }
      }

      @Override
      public void close() throws IOException {
        begin();
        try {
          body.close();
        } finally {
          end();
        }
      }
    }

    private synchronized void begin() {
      blocked = true;
      since = System.nanoTime();
    }

    private synchronized void end() {
      blocked = false;
    }

    synchronized void cutOffIfStuck(long now) {
      if (blocked && now - since > STUCK_NANOS) {
        writer.interrupt();
      }
    }

    @Override
    public void write(int b) throws IOException {
      buffer.write(b);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      buffer.write(bytes, from, count);
    }

    @Override
    public void line(String json) throws IOException {
      buffer.write(json.getBytes(UTF_8));
      buffer.write('\n');
    }

    @Override
    public void line(byte[] json) throws IOException {
      buffer.write(json);
      buffer.write('\n');
    }

    @Override
    public void ping() throws IOException {
      buffer.write('\n');
      buffer.flush();
    }

    @Override
    public void flush() throws IOException {
      buffer.flush();
    }

    @Override
    public void close() throws IOException {
      buffer.close();
    }
  }
}
