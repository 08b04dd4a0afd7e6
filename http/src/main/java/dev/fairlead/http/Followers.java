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
 * those whose client takes nothing any more. An interrupt ends a blocked write and its connection;
 * so closing interrupts nobody in the middle of a write before its time is up.
 */
final class Followers {

  private static final System.Logger LOG = System.getLogger(Followers.class.getName());
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long CUT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int BUFFER = 16 << 10;

  private final ThreadPoolExecutor threads;
  private final ScheduledThreadPoolExecutor watch;
  private final Set<Client> clients = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

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

  /** Has all end between two writes, and cuts off those that have not by then. */
  void close(long nanos) {
    watch.shutdownNow();
    threads.shutdown();
    closing = true;
    clients.forEach(Client::end);
    try {
      if (!threads.awaitTermination(nanos, TimeUnit.NANOSECONDS)) {
        clients.forEach(Client::cutOff);
        threads.awaitTermination(CUT_NANOS, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      clients.forEach(Client::cutOff);
      Thread.currentThread().interrupt();
    }
  }

  private void cutOffStuck() {
    long now = System.nanoTime();
    for (Client client : clients) {
      client.cutOffIfStuck(now);
    }
  }

  private void run(HttpExchange exchange, Response response) {
    Client client = new Client();
    clients.add(client);
    if (closing) {
      client.end();
    }
    try (exchange;
        InputStream stream = response.stream()) {
      JsonServer.prepare(exchange, response);
      long length =
          response.lines() != null
              ? 0
              : stream != null ? response.streamLength() : response.body().length;
      client.write(() -> exchange.sendResponseHeaders(response.status(), length));
      try (Out out = new Out(client, exchange.getResponseBody())) {
        write(response, stream, out);
      }
    } catch (IOException e) {
      LOG.log(DEBUG, () -> "A client left while it was sent to: " + e.getMessage());
    } finally {
      clients.remove(client);
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

  /** What touches a client's socket. */
  private interface Write {
    void run() throws IOException;
  }

  /** One client and its thread; knows whether it is in a write, and since when. */
  private static final class Client {

    private final Thread writer = Thread.currentThread();
    private boolean writing;
    private boolean ending;
    private boolean cut;
    private long since;

    /** Writes; an interrupt that only asks for the end waits until that is done. */
    void write(Write write) throws IOException {
      synchronized (this) {
        if (ending && !cut) {
          var unused = Thread.interrupted();
        }
        writing = true;
        since = System.nanoTime();
      }
      try {
        write.run();
      } finally {
        synchronized (this) {
          writing = false;
          if (ending) {
            writer.interrupt();
          }
        }
      }
    }

    /** Asks for the end: at once where it waits for something to send, else after this write. */
    synchronized void end() {
      ending = true;
      if (!writing) {
        writer.interrupt();
      }
    }

    synchronized void cutOffIfStuck(long now) {
      if (writing && now - since > STUCK_NANOS) {
        cutOff();
      }
    }

    synchronized void cutOff() {
      cut = true;
      writer.interrupt();
    }
  }

  /** The way to one client. */
  private static final class Out extends OutputStream implements Response.Lines {

    private final BufferedOutputStream buffer;

    Out(Client client, OutputStream body) {
      buffer = new BufferedOutputStream(new Guarded(client, body), BUFFER);
    }

    /** What really goes to the socket. */
    private static final class Guarded extends OutputStream {
      private final Client client;
      private final OutputStream body;

      Guarded(Client client, OutputStream body) {
        this.client = client;
        this.body = body;
      }

      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int count) throws IOException {
        client.write(() -> body.write(bytes, from, count));
      }

      @Override
      public void flush() throws IOException {
        client.write(body::flush);
      }

      @Override
      public void close() throws IOException {
        client.write(body::close);
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
