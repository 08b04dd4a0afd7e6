// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.rig.Carrier;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.process.ProcessHypervisor;
import dev.fairlead.hypervisor.process.ProcessSettings;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run: agents say lines over a real transport, at level {@code SPOOLED}, while from the seed
 * its broker or hub is killed and stalled, links are cut, agents and the collector are killed. In
 * the end everything is mended and drains; then what the ledger says of each line is held against
 * what the store's files hold.
 *
 * <p>For use by one thread; {@link #close()} may be called by another, and ends all that was
 * started. Only processes that were started here are ever touched.
 */
public final class Chaos implements AutoCloseable {

  /** System property: a fault that is planted, so that one can see it found. For tests alone. */
  public static final String PLANT = "fairlead.chaos.plant";

  private static final String FLEET = "chaos";
  private static final String STORE_MIB = "1024";
  private static final Duration LIFETIME = Duration.ofHours(6);
  private static final Duration START_WITHIN = Duration.ofSeconds(90);
  private static final Duration END_WITHIN = Duration.ofSeconds(30);
  private static final Duration DRAIN_AT_LEAST = Duration.ofMinutes(2);
  private static final long TICK_NANOS = 20_000_000L;
  private static final long TELL_SECONDS = 5;

  private final ChaosSettings settings;
  private final Path folder;
  private final Consumer<String> progress;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private boolean closed;

  /** Held by the thread that carries it out. */
  private final ReentrantLock running = new ReentrantLock();

  /**
   * Makes one that has not begun.
   *
   * @param folder an empty one, in which all that the run needs will lie; a short path, since
   *     sockets are among that
   * @param progress told what happens, in sentences
   */
  public Chaos(ChaosSettings settings, Path folder, Consumer<String> progress) {
    this.settings = settings;
    this.folder = folder;
    this.progress = progress;
  }

  /**
   * Carries it out.
   *
   * @throws ChaosException when the run could not be carried out
   * @throws IOException when a file or a process fails
   */
  public ChaosResult run() throws IOException, InterruptedException {
    running.lock();
    try {
      return carryOut();
    } finally {
      running.unlock();
    }
  }

  private ChaosResult carryOut() throws IOException, InterruptedException {
    List<Carrier> carriers = new ArrayList<>();
    for (String transport : settings.transports()) {
      carriers.add(add(carrier(transport)));
    }
    List<CredentialIssuer> issuers = carriers.stream().map(Carrier::issuer).toList();
    Path ledgerFile = folder.resolve("ledger.ndjson");
    Path socket = folder.resolve("l");
    JavaProcess ledger =
        add(
            JavaProcess.start(
                LedgerMain.class,
                List.of(socket.toString(), ledgerFile.toString()),
                folder.resolve("ledger.log")));
    await("the ledger", folder.resolve("ledger.log"), () -> Files.exists(socket));

    Files.createDirectories(folder.resolve("c"));
    Collector collector =
        add(
            new Collector(
                folder.resolve("c"),
                issuers,
                issuer -> credential(issuer, Addresses.ofCollector(FLEET)),
                words()));
    collector.start();
    List<Guest> guests = guests(issuers, socket);
    for (Guest guest : guests) {
      guest.start();
    }
    await("the collector", collector.console(), () -> isConnected(collector.books()));
    for (Guest guest : guests) {
      await("agent " + guest.computation(), guest.console(), () -> isConnected(guest.books()));
    }
    progress.accept(
        "%d agents, a collector, a ledger and what carries %s are up; lines flow"
            .formatted(guests.size(), String.join(", ", settings.transports())));

    long start = System.nanoTime();
    Injector injector = new Injector(carriers, guests, collector, progress);
    breakThings(injector, guests, collector);
    long end = System.nanoTime();
    List<JsonObject> drained = drain(guests, collector);
    collect(drained, collector);
    long drainedAt = System.nanoTime();
    boolean gentle = collector.end(END_WITHIN);
    Optional<JsonObject> collected = collector.books();
    if (!ledger.end(END_WITHIN)) {
      throw new ChaosException("The ledger does not end; see " + folder.resolve("ledger.log"));
    }
    progress.accept("all have ended; the ledger is held against the store's files");
    Path storeFile = folder.resolve("store.ndjson");
    StoreDump.write(collector.store(), storeFile);
    Tally tally = Recount.of(ledgerFile, storeFile);
    List<Orders.Outcome> outcomes = new ArrayList<>();
    long refreshed = 0;
    for (Guest guest : guests) {
      outcomes.addAll(guest.outcomes());
      refreshed += guest.refreshed();
    }
    ChaosResult result =
        new ChaosResult(
            settings,
            tally,
            outcomes,
            refreshed,
            injector.done(),
            injector.notices(),
            Duration.ofNanos(end - start),
            Duration.ofNanos(drainedAt - end),
            drained,
            gentle ? collected : Optional.empty());
    keep(ledgerFile, storeFile, result, guests, collector);
    return result;
  }

  private Carrier carrier(String transport) throws IOException {
    try {
      return Carrier.open(
          transport,
          folder.resolve("b" + transport.charAt(0)), // short, for the sockets in it
          settings.forgetsStored()
              ? Map.of(
                  "store",
                  Addresses.everyUp(FLEET, Addresses.LOGS),
                  "store.reader",
                  Addresses.ofCollector(FLEET).party(),
                  "store.mib",
                  STORE_MIB)
              : Map.of());
    } catch (TransportException e) {
      throw new ChaosException(String.valueOf(e.getMessage()), e);
    }
  }

  private List<Guest> guests(List<CredentialIssuer> issuers, Path ledger) throws IOException {
    ProcessHypervisor hypervisor =
        add(
            new ProcessHypervisor(
                new ProcessSettings(
                    JavaProcess.command(AgentMain.class.getName(), List.of()), Map.of()),
                InstantSource.system()));
    List<Guest> guests = new ArrayList<>();
    for (int i = 1; i <= settings.agents(); i++) {
      String computation = "c" + i;
      SortedMap<String, String> facts = words();
      facts.put(Words.LEDGER, ledger.toString());
      facts.put(Words.SEED, Long.toString(settings.seed()));
      facts.put(Words.RATE, Integer.toString(settings.rate() / settings.agents()));
      facts.put(Words.DRAIN_SECONDS, Long.toString(drainWithin().toSeconds()));
      guests.add(
          add(
              new Guest(
                  hypervisor,
                  issuers,
                  issuer -> credential(issuer, Addresses.ofComputation(FLEET, computation)),
                  computation,
                  Files.createDirectory(folder.resolve(computation)),
                  facts)));
    }
    return guests;
  }

  private SortedMap<String, String> words() {
    SortedMap<String, String> words = new TreeMap<>();
    words.put(Words.TRANSPORT, settings.transport());
    words.put(Words.FLEET, FLEET);
    words.put(Words.FORGET, settings.forget().toUpperCase(Locale.ROOT));
    String plant = System.getProperty(PLANT);
    if (plant != null) {
      words.put(Words.PLANT, plant);
    }
    return words;
  }

  private static Credential credential(CredentialIssuer issuer, Addresses party) {
    return issuer.issue(new Grant(party.party(), party.sends(), party.receives()), LIFETIME);
  }

  private static boolean isConnected(Optional<JsonObject> books) {
    return books.filter(any -> any.string("state").equals("CONNECTED")).isPresent();
  }

  private void breakThings(Injector injector, List<Guest> guests, Collector collector)
      throws IOException, InterruptedException {
    List<Fault> plan = Fault.plan(settings.seed(), settings.length(), settings.agents());
    progress.accept("%d faults follow from seed %d".formatted(plan.size(), settings.seed()));
    long start = System.nanoTime();
    long told = 0;
    injector.plan(plan, start);
    SwapPlan swaps = new SwapPlan(settings.seed(), start, guests, settings.transports());
    while (injector.goesOn() || System.nanoTime() - start < settings.length().toNanos()) {
      injector.step();
      if (settings.swap()) {
        swaps.step();
      }
      for (Guest guest : guests) {
        Optional<VmEnd> surprise = guest.surprise();
        if (surprise.isPresent()) {
          throw new ChaosException(
              "Agent %s ended by itself (%s):%n%s"
                  .formatted(guest.computation(), surprise.get().reason(), tail(guest.console())));
        }
      }
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
      if (seconds >= told + TELL_SECONDS) {
        told = seconds;
        tell(guests, collector);
      }
      LockSupport.parkNanos(TICK_NANOS);
      requireOpen();
    }
    injector.mend();
    for (Guest guest : guests) {
      await("agent " + guest.computation(), guest.console(), guest::hasBegun);
    }
    progress.accept("everything is mended; agents say no more, and drain");
  }

  /** The agents' last books. */
  private List<JsonObject> drain(List<Guest> guests, Collector collector)
      throws IOException, InterruptedException {
    Duration within = drainWithin();
    CompletableFuture<?> all =
        CompletableFuture.allOf(
            guests.stream()
                .map(guest -> guest.end(within.plus(END_WITHIN)).toCompletableFuture())
                .toArray(CompletableFuture<?>[]::new));
    while (!all.isDone()) {
      try {
        all.get(TELL_SECONDS, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        tell(guests, collector);
      } catch (ExecutionException e) {
        throw new ChaosException("The end of an agent cannot be seen.", e);
      }
      requireOpen();
    }
    List<JsonObject> books = new ArrayList<>();
    for (Guest guest : guests) {
      guest.books().ifPresent(books::add);
    }
    return books;
  }

  /** Waits for what agents have forgotten and the collector has not stored yet. */
  private void collect(List<JsonObject> agents, Collector collector) throws IOException {
    long appended = agents.stream().mapToLong(a -> a.integer("appended", 0, Long.MAX_VALUE)).sum();
    long deadline = System.nanoTime() + drainWithin().toNanos();
    while (settings.forgetsStored()
        && System.nanoTime() < deadline
        && collector
            .books()
            .filter(books -> books.integer("stored", 0, Long.MAX_VALUE) >= appended)
            .isEmpty()) {
      LockSupport.parkNanos(TICK_NANOS);
      requireOpen();
    }
  }

  private Duration drainWithin() {
    Duration twice = settings.length().multipliedBy(2);
    return twice.compareTo(DRAIN_AT_LEAST) > 0 ? twice : DRAIN_AT_LEAST;
  }

  private void tell(List<Guest> guests, Collector collector) throws IOException {
    long appended = 0;
    long delivered = 0;
    int connected = 0;
    for (Guest guest : guests) {
      Optional<JsonObject> books = guest.books();
      if (books.isPresent()) {
        appended += books.get().integer("appended", 0, Long.MAX_VALUE);
        delivered += books.get().integer("delivered", 0, Long.MAX_VALUE);
        connected += guest.isRunning() && isConnected(books) ? 1 : 0;
      }
    }
    progress.accept(
        "%d lines appended, %d delivered; %d of %d agents connected, the collector %s"
            .formatted(
                appended,
                delivered,
                connected,
                guests.size(),
                !collector.isRunning()
                    ? "down"
                    : isConnected(collector.books()) ? "connected" : "not"));
  }

  private void keep(
      Path ledger, Path store, ChaosResult result, List<Guest> guests, Collector collector)
      throws IOException {
    Path keep = settings.keep();
    if (keep == null) {
      return;
    }
    Files.createDirectories(keep);
    Files.writeString(keep.resolve("result.json"), result.toJson() + "\n");
    move(ledger, keep);
    move(store, keep);
    copy(collector.console(), keep.resolve("collector.log"));
    for (Guest guest : guests) {
      copy(guest.console(), keep.resolve(guest.computation() + ".log"));
    }
    progress.accept("ledger.ndjson and store.ndjson are in " + keep);
  }

  private static void move(Path file, Path keep) throws IOException {
    Files.copy(
        file,
        keep.resolve(String.valueOf(file.getFileName())),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.delete(file);
  }

  private static void copy(Path file, Path to) throws IOException {
    if (Files.exists(file)) {
      Files.copy(file, to, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private void await(String what, Path log, Condition condition) throws IOException {
    long deadline = System.nanoTime() + START_WITHIN.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) {
        throw new ChaosException(
            "It takes %s more than %d s to start:%n%s"
                .formatted(what, START_WITHIN.toSeconds(), tail(log)));
      }
      LockSupport.parkNanos(TICK_NANOS);
      requireOpen();
    }
  }

  private static String tail(Path log) throws IOException {
    if (!Files.exists(log)) {
      return "it says nothing.";
    }
    String text = Files.readString(log);
    return text.substring(Math.max(0, text.length() - 2000));
  }

  private void requireOpen() {
    synchronized (parts) {
      if (closed) {
        throw new ChaosException("The run was given up.");
      }
    }
  }

  private <T extends AutoCloseable> T add(T part) {
    synchronized (parts) {
      parts.push(part);
    }
    requireOpen();
    return part;
  }

  /**
   * Ends all processes that were started, the last first, and waits until {@link #run} has
   * returned, wherever it is: it may be about to start one. Idempotent.
   */
  @Override
  public void close() {
    synchronized (parts) {
      closed = true;
    }
    RuntimeException failure = closeParts(null);
    boolean through = false;
    try {
      through = running.tryLock(END_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (through) {
        running.unlock();
      }
    }
    failure = closeParts(failure);
    if (failure != null) {
      throw failure;
    }
  }

  private @Nullable RuntimeException closeParts(@Nullable RuntimeException first) {
    List<AutoCloseable> all;
    synchronized (parts) {
      all = List.copyOf(parts); // each may be closed twice, and is started no more after that
    }
    RuntimeException failures = first;
    for (AutoCloseable part : all) {
      try {
        part.close();
      } catch (Exception e) {
        RuntimeException failure =
            e instanceof RuntimeException known
                ? known
                : new ChaosException("What was started does not end.", e);
        if (failures == null) {
          failures = failure;
        } else {
          failures.addSuppressed(failure);
        }
      }
    }
    return failures;
  }
}
