// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;

/**
 * Serves JSON over HTTP on the JDK's own server.
 *
 * <p>A fixed number of workers reads requests and answers them; a client that is slow to send is
 * cut off after {@value #REQUEST_SECONDS} s. What takes long to send (lines that follow, streams,
 * large bodies) goes through another bounded set of threads, so that slow readers cannot keep the
 * workers busy; one that takes nothing for 30 s is cut off. Clients never see a stack trace: an
 * unexpected failure is told as a number that the log names too.
 */
public final class JsonServer implements AutoCloseable {

  /** How long a client may take to send a request, in seconds. */
  public static final int REQUEST_SECONDS = 30;

  private static final System.Logger LOG = System.getLogger(JsonServer.class.getName());
  private static final int CONNECTIONS = 512;
  private static final int LARGE = 32 << 10;
  private static final long DRAIN = 4L << 20;
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);

  static {
    // The JDK's server reads these once for the whole process; what somebody has set stays.
    setIfAbsent("sun.net.httpserver.maxReqTime", REQUEST_SECONDS);
    setIfAbsent("jdk.httpserver.maxConnections", CONNECTIONS);
    setIfAbsent("sun.net.httpserver.nodelay", true);
  }

  private final HttpSettings settings;
  private final Routes routes;
  private final Guard guard;
  private final HttpServer server;
  private final ThreadPoolExecutor workers;
  private final Followers followers;
  private final Object idle = new Object();
  private int handling;
  private boolean closed;

  private JsonServer(HttpSettings settings, Routes routes, HttpServer server) {
    this.settings = settings;
    this.routes = routes;
    this.guard = new Guard(settings);
    this.server = server;
    String name = "fl-http-" + settings.name();
    workers =
        new ThreadPoolExecutor(
            settings.workers(),
            settings.workers(),
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(4 * CONNECTIONS),
            new NamedThreads(name));
    workers.allowCoreThreadTimeOut(true);
    followers = new Followers(name, settings.followers());
  }

  /**
   * Starts to listen.
   *
   * @throws HttpProblem 0: {@code token-missing}, {@code port-taken}, {@code cannot-listen}
   */
  public static JsonServer start(HttpSettings settings, Routes routes) {
    Guard.requireSafe(settings);
    JsonServer server = new JsonServer(settings, routes, bind(settings));
    server.server.setExecutor(server.workers);
    server.server.createContext("/", server::exchange);
    server.startAsDaemon();
    return server;
  }

  /** Where it listens; with the port that it got where 0 was asked for. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  /** The port that it listens at. */
  public int port() {
    return address().getPort();
  }

  /**
   * Takes no more requests, ends what follows, waits at most 2 s for answers under way, and lets go
   * of every thread and socket. Idempotent.
   */
  @Override
  public void close() {
    synchronized (idle) {
      if (closed) {
        return;
      }
      closed = true;
    }
    followers.close(CLOSE_NANOS);
    awaitIdle();
    server.stop(0);
    workers.shutdownNow();
  }

  private void awaitIdle() {
    long end = System.nanoTime() + CLOSE_NANOS;
    synchronized (idle) {
      try {
        for (long left = CLOSE_NANOS; handling > 0 && left > 0; left = end - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(idle, left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static HttpServer bind(HttpSettings settings) {
    SSLContext tls = settings.tls();
    try {
      if (tls == null) {
        return HttpServer.create(settings.address(), 0);
      }
      HttpsServer server = HttpsServer.create(settings.address(), 0);
      server.setHttpsConfigurator(new HttpsConfigurator(tls));
      return server;
    } catch (BindException e) {
      throw new HttpProblem(
          0,
          "port-taken",
          "The %s server cannot listen at %s (%s): end what listens there, or choose another port."
              .formatted(settings.name(), settings.address(), e.getMessage()),
          e);
    } catch (IOException e) {
      throw new HttpProblem(
          0,
          "cannot-listen",
          "The %s server cannot listen at %s: %s."
              .formatted(settings.name(), settings.address(), e.getMessage()),
          e);
    }
  }

  /** The JDK's dispatcher takes over whether the thread that starts it is a daemon. */
  private void startAsDaemon() {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread starter = new NamedThreads("fl-http-start").newThread(server::start);
    starter.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
    starter.start();
    try {
      starter.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Throwable e = failure.get();
    if (e != null) {
      throw new IllegalStateException("The HTTP server did not start.", e);
    }
  }

  /** One request, in a worker. */
  private void exchange(HttpExchange exchange) {
    synchronized (idle) {
      handling++;
    }
    boolean handedOver = false;
    try {
      handedOver = send(exchange, answer(exchange));
    } catch (IOException e) {
      LOG.log(DEBUG, () -> "A client left before it had its answer: " + e.getMessage());
    } finally {
      if (!handedOver) {
        exchange.close();
      }
      synchronized (idle) {
        handling--;
        idle.notifyAll();
      }
    }
  }

  private Response answer(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    try {
      List<String> path = Request.segments(exchange.getRequestURI());
      guard.check(exchange.getRequestHeaders());
      synchronized (idle) {
        if (closed) {
          throw new HttpProblem(503, "closing", "This server is closing; ask it when it is back.");
        }
      }
      Routes.Match match;
      try {
        match = routes.find(method, path);
      } catch (HttpProblem e) {
        Response problem = Response.problem(e);
        return e.status() == 405
            ? problem.header("Allow", String.join(", ", routes.methods(path)))
            : problem;
      }
      Request request =
          new Request(
              method,
              exchange.getRequestURI(),
              exchange.getRequestHeaders(),
              match.variables(),
              readBody(exchange));
      return match.handler().handle(request);
    } catch (HttpProblem e) {
      return Response.problem(e.status() >= 400 ? e : unexpected(method, e));
    } catch (ProtocolException e) {
      return Response.problem(HttpProblem.of(e));
    } catch (RuntimeException e) {
      return Response.problem(unexpected(method, e));
    }
  }

  /** What the log names and the client may know. */
  private HttpProblem unexpected(String method, Throwable cause) {
    String number = UUID.randomUUID().toString().substring(0, 8);
    LOG.log(
        ERROR,
        "%s request %s to the %s server failed".formatted(method, number, settings.name()),
        cause);
    return new HttpProblem(
        500,
        "internal",
        "Something failed here; the server's log names it under %s.".formatted(number));
  }

  private byte[] readBody(HttpExchange exchange) throws IOException {
    int limit = settings.bodyLimit();
    try (InputStream in = exchange.getRequestBody()) {
      byte[] body = in.readNBytes(limit + 1);
      if (body.length <= limit) {
        return body;
      }
      drain(in);
      throw new HttpProblem(
          413, "body-too-large", "The body may have at most %d bytes.".formatted(limit));
    }
  }

  /** Reads on for a while, so that the client gets as far as reading the answer. */
  private static void drain(InputStream in) throws IOException {
    byte[] buffer = new byte[16 << 10];
    long drained = 0;
    for (int n = in.read(buffer); n >= 0 && drained < DRAIN; n = in.read(buffer)) {
      drained += n;
    }
  }

  /** Sends, or has it sent; true when another thread now owns the exchange. */
  private boolean send(HttpExchange exchange, Response response) throws IOException {
    boolean slow =
        response.lines() != null || response.stream() != null || response.body().length > LARGE;
    boolean head = exchange.getRequestMethod().equals("HEAD");
    if (!slow || head) {
      sendWhole(exchange, response, head);
      return false;
    }
    if (followers.start(exchange, response)) {
      return true;
    }
    InputStream unused = response.stream();
    if (unused != null) {
      unused.close();
    }
    HttpProblem full =
        new HttpProblem(
            503,
            "too-many-followers",
            "%d clients are being sent to already; ask again later."
                .formatted(settings.followers()));
    sendWhole(exchange, Response.problem(full), false);
    return false;
  }

  private static void sendWhole(HttpExchange exchange, Response response, boolean head)
      throws IOException {
    prepare(exchange, response);
    byte[] body = response.body();
    InputStream unused = response.stream();
    if (unused != null) {
      unused.close();
    }
    if (head) {
      long length = unused == null ? body.length : response.streamLength();
      if (response.lines() == null && response.status() != 204) {
        exchange.getResponseHeaders().set("Content-Length", Long.toString(length));
      }
      exchange.sendResponseHeaders(response.status(), -1);
    } else if (body.length == 0) {
      exchange.sendResponseHeaders(response.status(), -1);
    } else {
      exchange.sendResponseHeaders(response.status(), body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    }
  }

  static void prepare(HttpExchange exchange, Response response) {
    response.headers().forEach(exchange.getResponseHeaders()::set);
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
  }

  private static void setIfAbsent(String property, Object value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value.toString());
    }
  }
}
