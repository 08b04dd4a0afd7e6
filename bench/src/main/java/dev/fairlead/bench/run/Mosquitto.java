// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.US_ASCII;

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
    try (PlainBroker broker = PlainBroker.start("mqtt", folder.resolve("b"))) {
      String port = Integer.toString(broker.endpoint().getPort());
      Process subscriber =
          new ProcessBuilder(sub.toString(), "-V", "5", "-p", port, "-t", TOPIC, "-d")
              .redirectErrorStream(true)
              .start();
      try {
        Counter counter = new Counter(subscriber.getInputStream(), count);
        counter.start();
        counter.awaitSubscribed();
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

  /** Counts the subscriber's lines. */
  private static final class Counter extends Thread {
    private static final byte[] GRANTED = "SUBACK".getBytes(US_ASCII);
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
      int granted = 0;
      boolean fresh = true;
      try {
        for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
          long lines = 0;
          for (int i = 0; i < length; i++) {
            // Records begin with a brace; what the client says of itself does not.
            lines += fresh && chunk[i] == '{' ? 1 : 0;
            fresh = chunk[i] == '\n';
            granted =
                granted < GRANTED.length && chunk[i] == GRANTED[granted]
                    ? granted + 1
                    : granted == GRANTED.length ? granted : 0;
          }
          note(lines, granted == GRANTED.length);
        }
      } catch (IOException e) {
        System.getLogger(Mosquitto.class.getName())
            .log(System.Logger.Level.DEBUG, "The subscriber has ended.", e);
      }
    }

    private synchronized void note(long lines, boolean granted) {
      subscribed |= granted;
      received += lines;
      if (lines > 0) {
        lastAt = System.nanoTime();
      }
      notifyAll();
    }

    synchronized void awaitSubscribed() throws InterruptedException {
      long deadline = System.nanoTime() + PATIENCE;
      while (!subscribed && System.nanoTime() < deadline) {
        wait(100);
      }
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
