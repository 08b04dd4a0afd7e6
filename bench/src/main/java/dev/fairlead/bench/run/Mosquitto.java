// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.PlainBroker;
import dev.fairlead.bench.results.CrossCheck;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A check by clients that are not ours and not Java's: how many records {@code mosquitto_pub -l}
 * brings to {@code mosquitto_sub} in a second, at QoS 0, on this machine at this time.
 */
final class Mosquitto {

  private static final int BYTES = 200;
  private static final String TOPIC = "bench/check";
  private static final long MOMENT = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);
  private static final String REMEDY = "apt-get install -y mosquitto-clients";

  private Mosquitto() {}

  /**
   * Runs it; empty when nothing was received.
   *
   * @param count how many records are sent
   */
  static Optional<CrossCheck> check(Path folder, int count)
      throws IOException, InterruptedException {
    Path sub = ServerProcess.find(null, "mosquitto_sub", REMEDY);
    Path pub = ServerProcess.find(null, "mosquitto_pub", REMEDY);
    Files.createDirectories(folder);
    Path lines = folder.resolve("lines");
    Records records = new Records("c1", BYTES, InstantSource.system());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(lines), 1 << 16)) {
      for (int i = 1; i <= count; i++) {
        out.write(records.record(i, 0));
        out.write('\n');
      }
    }
    try (PlainBroker broker = PlainBroker.start("mqtt", folder.resolve("b"), false)) {
      String port = Integer.toString(broker.endpoint().uri().getPort());
      Process subscriber =
          new ProcessBuilder(sub.toString(), "-V", "5", "-p", port, "-t", TOPIC)
              .redirectErrorStream(true)
              .start();
      try {
        Counter counter = new Counter(subscriber.getInputStream(), count);
        counter.start();
        knock(pub, port, counter);
        long start = System.nanoTime();
        List<String> command =
            List.of(pub.toString(), "-V", "5", "-p", port, "-t", TOPIC, "-q", "0", "-l");
        Process publisher = new ProcessBuilder(command).redirectInput(lines.toFile()).start();
        counter.awaitAll(start + PATIENCE);
        publisher.destroyForcibly();
        double seconds = (counter.lastAt() - start) / 1e9;
        if (counter.received() == 0) {
          return Optional.empty();
        }
        return Optional.of(
            new CrossCheck(
                Facts.first("mosquitto_pub", "--version")
                    .replaceFirst(" running on.*", "")
                    .replace(" version", ""),
                "mosquitto_pub -V 5 -q 0 -l < lines, to mosquitto_sub, plain mosquitto",
                BYTES,
                count,
                counter.received(),
                counter.received() / seconds));
      } finally {
        subscriber.destroyForcibly();
      }
    } finally {
      Files.deleteIfExists(lines);
    }
  }

  /** Sends a message until one arrives: the subscriber says nothing before, since it buffers. */
  private static void knock(Path pub, String port, Counter counter)
      throws IOException, InterruptedException {
    List<String> command =
        List.of(pub.toString(), "-V", "5", "-p", port, "-t", TOPIC, "-m", Counter.KNOCK);
    long deadline = System.nanoTime() + PATIENCE;
    while (!counter.awaitKnock() && System.nanoTime() < deadline) {
      new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    }
  }

  /** Counts the subscriber's lines. */
  private static final class Counter extends Thread {
    /** A message that is no record: those begin with a brace. */
    static final String KNOCK = "?";

    private static final int CHUNK = 1 << 16;

    private final InputStream in;
    private final long most;
    private boolean subscribed;
    private long received;
    private long lastAt = System.nanoTime();

    Counter(InputStream in, long most) {
      super("fairlead-bench-check");
      this.in = in;
      this.most = most;
      setDaemon(true);
    }

    @Override
    public void run() {
      byte[] chunk = new byte[CHUNK];
      boolean fresh = true;
      try {
        for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
          long lines = 0;
          boolean knock = false;
          for (int i = 0; i < length; i++) {
            lines += fresh && chunk[i] == '{' ? 1 : 0;
            knock |= fresh && chunk[i] == KNOCK.charAt(0);
            fresh = chunk[i] == '\n';
          }
          note(lines, knock);
        }
      } catch (IOException e) {
        System.getLogger(Mosquitto.class.getName())
            .log(System.Logger.Level.DEBUG, "The subscriber has ended.", e);
      }
    }

    private synchronized void note(long lines, boolean knock) {
      subscribed |= knock;
      received += lines;
      if (lines > 0) {
        lastAt = System.nanoTime();
      }
      notifyAll();
    }

    /** Waits a moment for it; false when it has not come. */
    synchronized boolean awaitKnock() throws InterruptedException {
      long deadline = System.nanoTime() + MOMENT;
      while (!subscribed && System.nanoTime() < deadline) {
        wait(10);
      }
      return subscribed;
    }

    synchronized void awaitAll(long deadline) throws InterruptedException {
      while (received < most && System.nanoTime() < deadline) {
        wait(100);
      }
    }

    synchronized long received() {
      return received;
    }

    synchronized long lastAt() {
      return lastAt;
    }
  }
}
