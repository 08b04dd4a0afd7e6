// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A server as a child process: started, started again when it dies, and gone when this is closed or
 * the JVM ends, however it ends. A thread of its own starts it and waits for its end: the kernel
 * ends the child together with the <em>thread</em> that started it.
 */
public final class ServerProcess implements AutoCloseable {

  /** What a server is started with. Asked afresh at each start. */
  public interface Setup {
    /** Writes the configuration for the next start, and returns the program's arguments. */
    List<String> write() throws IOException;
  }

  /** How it is known that a server answers, and that it is ours. */
  public interface Probe {
    /**
     * Asks it once; blocks at most a few seconds.
     *
     * @throws IOException when nobody answers
     */
    boolean answers() throws IOException;
  }

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.base");
  private static final List<String> FOLDERS =
      List.of("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/sbin", "/bin");
  private static final long READY_SECONDS = 20;
  private static final long FIRST_WAIT_MS = 50;
  private static final long WAIT_LIMIT_MS = 5_000;
  private static final long MOMENT_NANOS = 250_000_000L;
  private static final int TAIL_BYTES = 2_000;

  private final List<String> command;
  private final Map<String, String> environment;
  private final Setup setup;
  private final Path log;
  private final Probe probe;
  private final String name;
  private final Thread keeper;
  private final CompletableFuture<Void> firstReady = new CompletableFuture<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Semaphore mayRun = new Semaphore(1);
  private volatile @Nullable Process process;
  private final Object changes = new Object();

  /** Written under {@link #changes}. */
  private volatile boolean ready;

  /**
   * Prepares one without any environment.
   *
   * @param program the server's file
   * @param log what it says, written anew at each start
   */
  public ServerProcess(Path program, Setup setup, Path log, Probe probe) {
    this(program, Map.of(), setup, log, probe);
  }

  /**
   * Prepares one.
   *
   * @param program the server's file
   * @param environment all variables that it gets
   * @param log what it says, written anew at each start
   */
  public ServerProcess(
      Path program, Map<String, String> environment, Setup setup, Path log, Probe probe) {
    this.name = String.valueOf(program.getFileName());
    this.command = command(program);
    this.environment = Map.copyOf(environment);
    this.setup = setup;
    this.log = log;
    this.probe = probe;
    this.keeper = new Thread(this::keep, "fairlead-" + name);
    this.keeper.setDaemon(true);
  }

  /**
   * Finds a program on the path or where Debian puts it.
   *
   * @param given its file, null to look for it
   * @param remedy the command that installs it
   * @throws TransportException {@code REFUSED}, code {@code program-missing}, with the command that
   *     installs it
   */
  public static Path find(@Nullable String given, String program, String remedy) {
    if (given != null) {
      Path path = Path.of(given);
      if (Files.isExecutable(path)) {
        return path;
      }
      throw new TransportException(
          REFUSED, "program-missing", "'" + path + "' is no program: correct the setting.");
    }
    Path found = lookup(program);
    if (found == null) {
      throw new TransportException(
          REFUSED, "program-missing", program + " is not installed: " + remedy);
    }
    return found;
  }

  private static @Nullable Path lookup(String program) {
    List<String> folders = new ArrayList<>();
    String path = System.getenv("PATH");
    if (path != null) {
      folders.addAll(List.of(path.split(":", -1)));
    }
    folders.addAll(FOLDERS);
    for (String folder : folders) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return Path.of(folder, program);
      }
    }
    return null;
  }

  private List<String> command(Path program) {
    Path leash = lookup("setpriv");
    if (leash == null) {
      LOG.log(
          Level.WARNING,
          "setpriv (package util-linux) is not installed: {0} will outlive this process if it is killed.",
          name);
      return List.of(program.toString());
    }
    // A session of its own: Ctrl-C is for this process, which then ends the server in its own
    // order.
    Path session = lookup("setsid");
    List<String> words = new ArrayList<>();
    if (session != null) {
      words.add(session.toString());
    }
    words.addAll(List.of(leash.toString(), "--pdeathsig", "KILL", "--", program.toString()));
    return List.copyOf(words);
  }

  /**
   * Starts it, and waits until it answers.
   *
   * @throws TransportException {@code RETRY}, code {@code broker-failed}, with the last words of
   *     its log
   */
  public void start() {
    keeper.start();
    try {
      firstReady.get(READY_SECONDS, SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      close();
      throw new TransportException(RETRY, "broker-failed", name + " does not start: " + tail(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      close();
      throw new TransportException(
          RETRY, "interrupted", "The start of " + name + " was interrupted.", e);
    }
  }

  /** Whether it answers at present. */
  public boolean ready() {
    return ready;
  }

  /**
   * Asks the server something that needs it to answer: waits until it does, and asks again where it
   * went away meanwhile.
   *
   * @param patience how long to wait in all; the question itself may take longer
   * @throws TransportException what the question failed with; {@code RETRY}, code {@code
   *     broker-silent}, when the server does not answer in time
   */
  public void ask(Duration patience, Runnable question) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      if (!await(true, deadline)) {
        throw new TransportException(
            RETRY, "broker-silent", name + " does not answer yet: try again in a while.");
      }
      try {
        question.run();
        return;
      } catch (TransportException e) {
        // One that died is seen as dead only a moment after it has stopped answering.
        long moment = Math.min(deadline, System.nanoTime() + MOMENT_NANOS);
        if (e.category() != RETRY || !await(false, moment)) {
          throw e;
        }
      }
    }
  }

  /** Waits until it answers, or does not; false when that did not come about in time. */
  private boolean await(boolean wanted, long deadline) {
    synchronized (changes) {
      while (ready != wanted) {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0 || closing.getCount() == 0) {
          return false;
        }
        try {
          changes.wait(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return false;
        }
      }
      return true;
    }
  }

  private void ready(boolean now) {
    synchronized (changes) {
      ready = now;
      changes.notifyAll();
    }
  }

  /** For tests of faults: ends the child as a crash would, and keeps it down. */
  public void halt() throws InterruptedException {
    mayRun.acquire();
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  /** Lets it start again after {@link #halt}. */
  public void resume() {
    mayRun.release();
  }

  /** The child's id, 0 when there is none at present. */
  public long pid() {
    Process running = process;
    return running == null ? 0 : running.pid();
  }

  private void keep() {
    long wait = FIRST_WAIT_MS;
    try {
      while (closing.getCount() > 0) {
        mayRun.acquire();
        mayRun.release();
        long since = System.nanoTime();
        try {
          int exit = run();
          if (closing.getCount() == 0) {
            return;
          }
          if (!firstReady.isDone()) {
            firstReady.completeExceptionally(new IOException("It ended with " + exit + "."));
            return;
          }
          LOG.log(Level.WARNING, "{0} ended with {1}; it is started again.", name, exit);
        } catch (IOException | RuntimeException e) {
          if (!firstReady.isDone()) {
            firstReady.completeExceptionally(e);
            return;
          }
          LOG.log(Level.ERROR, name + " does not start; it is tried again.", e);
        }
        boolean steady = System.nanoTime() - since > SECONDS.toNanos(1);
        wait = steady || mayRun.availablePermits() == 0 ? FIRST_WAIT_MS : wait * 2;
        if (closing.await(Math.min(wait, WAIT_LIMIT_MS), MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private int run() throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(command);
    words.addAll(setup.write());
    ProcessBuilder builder =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process started = builder.start();
    process = started;
    try {
      awaitReady(started);
      return started.waitFor();
    } finally {
      ready(false);
      end(started);
      process = null;
    }
  }

  private void awaitReady(Process started) throws InterruptedException {
    while (started.isAlive() && closing.getCount() > 0) {
      if (answers()) {
        ready(true);
        firstReady.complete(null);
        return;
      }
      if (closing.await(10, MILLISECONDS)) {
        return;
      }
    }
  }

  private boolean answers() {
    try {
      return probe.answers();
    } catch (IOException e) {
      return false;
    }
  }

  /** A port that is free on a host at this moment. */
  public static int freePort(String host) throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(host, 0));
      return socket.getLocalPort();
    }
  }

  private String tail() {
    try {
      byte[] bytes = Files.readAllBytes(log);
      int from = Math.max(0, bytes.length - TAIL_BYTES);
      String text = new String(bytes, from, bytes.length - from, ISO_8859_1).strip();
      return text.isEmpty() ? "it says nothing." : text;
    } catch (IOException e) {
      return "it left no log.";
    }
  }

  private static void end(Process started) {
    started.destroy();
    boolean interrupted = false;
    try {
      if (!started.waitFor(3, SECONDS)) {
        started.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      interrupted = true;
      started.destroyForcibly();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    synchronized (changes) {
      changes.notifyAll();
    }
    mayRun.release();
    Process running = process;
    try {
      if (running != null) {
        end(running);
      }
      keeper.join(SECONDS.toMillis(8));
      if (keeper.isAlive()) {
        LOG.log(Level.WARNING, name + " does not end.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
