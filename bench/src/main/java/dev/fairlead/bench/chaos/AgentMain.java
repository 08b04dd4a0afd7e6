// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Books;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An agent that says numbered lines at a steady rate, through a spooled stream over a real
 * transport, and tells the ledger of each. Started by the process hypervisor; killed at any time.
 * Asked to end, it says no more, waits until all was delivered, and leaves its books.
 */
public final class AgentMain {

  private static final System.Logger LOG = System.getLogger(AgentMain.class.getName());
  private static final long SPOOL_BYTES = 1L << 30;
  private static final long PAUSE_NANOS = 4_000_000L;
  private static final long MOMENT_NANOS = 200_000_000L;
  private static final long LOOK_NANOS = 500_000_000L;

  /** A planted fault: says that lines lie in the spool a moment before it appends them. */
  static final String CLAIMS_EARLY = "agent-claims-early";

  private final Words words;
  private final Status status;
  private final Switchboard switchboard;
  private final Ledger ledger;
  private final Outbox outbox;
  private final OutStream stream;
  private final Lines lines;
  private final boolean claimsEarly;
  private final @Nullable Orders orders;
  private volatile boolean stopping;
  private long spooled;
  private long lookedAt = System.nanoTime() - LOOK_NANOS;

  private AgentMain(
      Words words, Status status, Switchboard switchboard, Runner runner, @Nullable Bundled bundled)
      throws IOException {
    this.words = words;
    this.status = status;
    this.switchboard = switchboard;
    String computation = words.get(Words.COMPUTATION);
    Addresses addresses = Addresses.ofComputation(words.get(Words.FLEET), computation);
    long run = words.number(Words.RUN);
    outbox = new Outbox(switchboard, runner);
    stream =
        outbox.open(
            StreamConfig.of(
                    addresses.stream(Addresses.LOGS), addresses.acks(Addresses.LOGS), "e" + run)
                .withForgetAt(AckLevel.valueOf(words.get(Words.FORGET)))
                .withSpool(words.path(Words.FOLDER), SPOOL_BYTES));
    lines = new Lines(computation, run, words.number(Words.SEED));
    claimsEarly = CLAIMS_EARLY.equals(words.find(Words.PLANT));
    orders =
        bundled == null
            ? null
            : new Orders(words.path(Words.STATUS), switchboard, words, addresses, bundled);
    ledger = Ledger.connect(words.path(Words.LEDGER));
    spooled = stream.last();
    ledger.begun(run, spooled, computation, Addresses.LOGS, stream.id().epoch());
    LOG.log(
        System.Logger.Level.INFO,
        "Run {0}, epoch {1}: the spool ends with {2}",
        run,
        stream.id().epoch(),
        spooled);
  }

  /**
   * Runs until it is asked to end.
   *
   * @param args none: it finds what it is told where the hypervisor says
   * @throws IOException when a file, the spool or the ledger fails
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Words words = Words.read(Path.of(environment("FAIRLEAD_CMDLINE_FILE")));
    String credential =
        Files.readString(Path.of(environment("FAIRLEAD_CREDENTIAL_FILE")), UTF_8).strip();
    LOG.log(System.Logger.Level.INFO, "The agent starts.");
    Status status = new Status(words.path(Words.STATUS));
    status.begin();
    Runner runner = Runner.start("fairlead-chaos-agent");
    Switchboard switchboard = new Switchboard(runner, status);
    AgentMain agent;
    Bundled bundled;
    try {
      String transports = words.find(Words.TRANSPORTS);
      bundled =
          transports == null
              ? null
              : Bundled.start(List.of(transports.split(",", -1)), words.path(Words.STATUS));
      agent = new AgentMain(words, status, switchboard, runner, bundled);
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "The agent does not start.", e);
      Runtime.getRuntime().halt(1);
      throw e;
    }
    Addresses own = Addresses.ofComputation(words.get(Words.FLEET), words.get(Words.COMPUTATION));
    if (bundled == null) {
      Way.use(switchboard, words, credential, own);
    } else {
      if (Bundled.REFRESHES.equals(words.find(Words.PLANT))) {
        bundled.refresh(words.get(Words.TRANSPORT));
      }
      var unused =
          Way.use(switchboard::use, words, bundled.provider(words.get(Words.TRANSPORT)), own);
    }
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> agent.stop(main), "fairlead-agent-end"));
    try {
      agent.say();
      agent.drain();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "The ledger is gone: this run is void.", e);
      Runtime.getRuntime().halt(1);
    }
    agent.outbox.close();
    switchboard.close();
    runner.close();
    agent.ledger.close();
    if (bundled != null) {
      bundled.close();
    }
  }

  private static String environment(String name) {
    String value = System.getenv(name);
    if (value == null) {
      throw new IllegalStateException("The variable " + name + " is not set.");
    }
    return value;
  }

  private void stop(Thread main) {
    stopping = true;
    try {
      main.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void say() throws IOException, InterruptedException {
    MessageDigest digest = Lines.digest();
    long rate = words.number(Words.RATE);
    long start = System.nanoTime();
    long next = spooled + 1;
    long said = 0;
    byte[][] batch = new byte[Ledger.MOST][];
    long[] hashes = new long[Ledger.MOST];
    while (!stopping) {
      double seconds = (System.nanoTime() - start) / 1e9;
      int due = (int) Math.min(Ledger.MOST, (long) (seconds * rate) - said);
      if (due > 0) {
        for (int i = 0; i < due; i++) {
          batch[i] = lines.line(said + i + 1);
          hashes[i] = Lines.hash(digest, batch[i]);
        }
        ledger.intended(next, said + 1, hashes, due);
        if (claimsEarly) {
          ledger.reached(Ledger.SPOOLED, next + due - 1);
          LockSupport.parkNanos(MOMENT_NANOS);
        }
        for (int i = 0; i < due; i++) {
          long begun = System.nanoTime();
          long number = stream.append(batch[i]);
          if (orders != null) {
            orders.appended(System.nanoTime() - begun);
          }
          if (number != next) {
            LOG.log(System.Logger.Level.ERROR, "Number {0} in place of {1}.", number, next);
            Runtime.getRuntime().halt(3);
          }
          next++;
        }
        said += due;
        ledger.reached(Ledger.QUEUED, next - 1);
      }
      tell();
      if (orders != null) {
        orders.look();
      }
      if (due < Ledger.MOST) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  private void tell() throws IOException {
    long reached = stream.positions().spooled();
    if (reached > spooled) {
      spooled = reached;
      ledger.reached(Ledger.SPOOLED, spooled);
    }
    long now = System.nanoTime();
    if (now - lookedAt >= LOOK_NANOS) {
      lookedAt = now;
      status.write(books(false));
    }
  }

  private void drain() throws IOException, InterruptedException {
    CompletableFuture<Void> drained = outbox.drained().toCompletableFuture();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(words.number(Words.DRAIN_SECONDS));
    while (System.nanoTime() < deadline && !drained.isDone()) {
      tell();
      try {
        drained.get(50, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        LOG.log(System.Logger.Level.DEBUG, "Not yet.", e);
      } catch (ExecutionException e) {
        throw new IOException("The outbox does not drain.", e);
      }
    }
    tell();
    status.write(books(drained.isDone()));
  }

  private JsonObject books(boolean drained) {
    Books books = stream.books();
    return JsonObject.builder()
        .put("run", words.number(Words.RUN))
        .put("epoch", stream.id().epoch())
        .put("appended", books.appended())
        .put("delivered", books.delivered())
        .put("queued", books.queued())
        .put("unacked", books.unacked())
        .put("dropped", books.droppedTotal())
        .put("resent", books.resent())
        .put("balanced", books.balanced())
        .put("spooled", stream.positions().spooled())
        .put("state", switchboard.state().name())
        .put("drained", drained)
        .build();
  }
}
