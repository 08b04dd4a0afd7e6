// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.parity.ParityLimits;
import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.EmbeddedDatabase;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Run;
import dev.fairlead.computations.registry.VmState;
import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxBooks;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.delivery.Responder;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.delivery.Ways;
import dev.fairlead.http.JsonServer;
import dev.fairlead.http.Metrics;
import dev.fairlead.http.Response;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The whole service: registry, store, access, link and API, put together and taken apart in order.
 *
 * <p>It starts without its broker, and without anything that issues credentials: what is stored can
 * be read at once, and the link comes up when both are there.
 */
public final class ComputationsService implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ComputationsService.class.getName());
  private static final int AGENT_TASKS = 16_384;
  private static final int DESK_TASKS = 512;
  private static final Duration TICK = Duration.ofMillis(100);
  private static final Duration CHORES = Duration.ofSeconds(1);
  private static final Duration REMEMBER_REQUESTS = Duration.ofDays(7);
  private static final Duration STRAGGLERS = Duration.ofSeconds(5);

  /** What a peer stores comes again after 5 s where it was not dealt with; twice that is quiet. */
  private static final Duration FROM_STORE = Duration.ofSeconds(10);

  private final Settings settings;
  private final InstantSource clock;
  private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
  private final Refusals refusals;
  private final Access access;
  private final Registry registry;
  private final RecordStore store;
  private final Liveness liveness;
  private final Worker agents;
  private final Worker desk;
  private final OwnLinks links;
  private final Exchange exchange;
  private final Reception reception;
  private final Renewals renewals;
  private final Swaps swaps;
  private final GuestBundles bundles;
  private final Desk answers;
  private final Inbox inbox;
  private final JsonServer server;

  private final Migrator migrator;

  /** Told of what comes; null before the migrator is there. */
  private volatile @Nullable Migrator tap;

  private Instant requestsForgotten = Instant.EPOCH;

  private ComputationsService(Settings settings, InstantSource clock) {
    this.settings = requireNonNull(settings, "settings is null");
    this.clock = requireNonNull(clock, "clock is null");
    try {
      String fleet = settings.fleet();
      makeDirectory(settings.directory());
      refusals = new Refusals(clock);
      access = new Access(fleet, settings.transport(), settings.lifetime());
      EmbeddedDatabase database =
          later(new EmbeddedDatabase(settings.directory().resolve("registry")));
      registry = Registry.open(database.source(), EmbeddedDatabase.SYNC, clock);
      store =
          later(
              new RecordStore(
                  fleet,
                  Disk.of(settings.directory().resolve("journal")),
                  SegmentLog.Config.of("computations")
                      .withSegmentBytes(settings.segmentBytes())
                      .withSyncInterval(settings.syncInterval()),
                  clock));
      agents = later(new Worker("fl-computations-agents", AGENT_TASKS));
      desk = later(new Worker("fl-computations-desk", DESK_TASKS));
      liveness = new Liveness(clock, System::nanoTime, this::changed);
      Runner runner = later(Runner.start("fl-computations-link"));
      links =
          new OwnLinks(settings.transport(), access, liveness, refusals, this::interrupted, clock);
      exchange =
          later(
              new Exchange(
                  runner,
                  links,
                  Ways.whereHeard(ComputationsService::party, System::nanoTime),
                  this::arrived));
      links.over(exchange);
      reception =
          new Reception(
              fleet,
              registry,
              liveness,
              refusals,
              agents,
              exchange::send,
              System::nanoTime,
              this::beat);
      renewals = new Renewals(fleet, access, registry, liveness, exchange::send, clock);
      swaps =
          new Swaps(
              fleet,
              access,
              registry,
              liveness,
              renewals,
              refusals,
              exchange::send,
              exchange::connected,
              this::changesBundle,
              this::spokenOn,
              () -> desk.offer(this::checkSwaps),
              clock);
      bundles =
          new GuestBundles(
              fleet,
              registry,
              liveness,
              refusals,
              exchange::send,
              swaps::isUnderWay,
              reception::said,
              clock);
      answers =
          new Desk(fleet, clock, access, registry, store, liveness, renewals, reception, refusals);
      migrator =
          new Migrator(
              fleet,
              access,
              registry,
              liveness,
              exchange::send,
              swaps,
              new Migrator.Comparison(ParityLimits.DEFAULT, settings.forgetAt() == AckLevel.STORED),
              clock,
              System::nanoTime);
      tap = migrator;
      registry.all().forEach(this::watch);
      inbox =
          later(
              new Inbox(
                  exchange,
                  runner,
                  store,
                  List.of(
                      Addresses.everyUp(fleet, Addresses.EVENTS),
                      Addresses.everyUp(fleet, Addresses.LOGS)),
                  new Streams(fleet, liveness),
                  new InboxWatch(),
                  settings.forgetAt()));
      store.streams().stream().filter(this::mayBeAlive).forEach(inbox::announce);
      later(exchange.listen(Addresses.everyUp(fleet, "hello"), reception::hello));
      later(exchange.listen(Addresses.everyUp(fleet, "heartbeat"), reception::heartbeat));
      later(exchange.listen(Addresses.everyUp(fleet, "lost"), reception::lost));
      later(
          exchange.listen(
              Addresses.everyUp(fleet, "bundles"), (transport, message) -> bundles.asked(message)));
      later(
          new Responder(
              exchange,
              Addresses.everyUp(fleet, "requests"),
              address -> Addresses.parse(address).filter(Addresses::isHost).map(Addresses::replies),
              this::asked));
      tick();
      Api api =
          new Api(
              fleet,
              registry,
              new Api.Live(liveness, reception, swaps),
              store,
              access,
              exchange::send,
              new SecureRandom(),
              this::health);
      server =
          later(
              JsonServer.start(
                  settings.http(),
                  new BundlesApi(bundles)
                      .routes(new MigrationApi(migrator, registry, store).routes(api.routes()))
                      .get("/metrics", request -> metrics())));
      LOG.log(
          INFO,
          "The computations service of fleet {0} listens at port {1}.",
          fleet,
          Integer.toString(server.port()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Starts the service.
   *
   * @param clock this host's time
   * @throws ComputationException {@code BROKEN}, when the registry cannot be used
   * @throws DeliveryException when the store cannot be used
   * @throws dev.fairlead.http.HttpProblem when the API cannot listen
   */
  public static ComputationsService start(Settings settings, InstantSource clock) {
    return new ComputationsService(settings, clock);
  }

  /**
   * Refuses a transport that stores nothing where senders are to forget what is stored.
   *
   * @throws ComputationException {@code REFUSED}, code {@code no-store}
   */
  static void requireStore(AckLevel forgetAt, TransportProvider found) {
    if (forgetAt == AckLevel.STORED
        && !found.capabilities().contains(TransportProvider.Capability.STORED)) {
      throw new ComputationException(
          ComputationException.Category.REFUSED,
          "no-store",
          "Senders are to forget what is stored, and the transport '"
              + found.name()
              + "' stores nothing: set forget=delivered, or take another transport.");
    }
  }

  /**
   * A transport can be used from now on, beside those that are used; it takes the place of one of
   * the same name, which is closed when this one has connected.
   *
   * @throws ComputationException {@code REFUSED}, code {@code no-store}, when senders are to forget
   *     what is stored, and it stores nothing
   */
  public void addProvider(TransportProvider found) {
    requireStore(settings.forgetAt(), found);
    links.add(found);
    desk.offer(this::chores);
  }

  /**
   * A provider goes. Unless another of its name has come, its transport is used no more: this waits
   * until it has drained, at most 5 s.
   */
  public void removeProvider(TransportProvider gone) {
    links.remove(gone);
    desk.offer(this::chores);
  }

  /** Opens the link of a provider anew through another of its name; see {@link LinkHolder}. */
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    requireStore(settings.forgetAt(), next);
    return links.reopen(old, next);
  }

  /** Credentials for a permitted transport can be issued from now on. */
  public void addIssuer(CredentialIssuer issuer) {
    access.add(issuer);
    desk.offer(this::chores);
  }

  /** Credentials for a transport can be issued no more. */
  public void removeIssuer(CredentialIssuer issuer) {
    access.remove(issuer);
  }

  /** The port at which the API listens. */
  public int port() {
    return server.port();
  }

  /** Ends all in the reverse order of its start; what was taken is stored first. Idempotent. */
  @Override
  public void close() {
    while (!toClose.isEmpty()) {
      try {
        toClose.pop().close();
      } catch (Exception e) {
        LOG.log(WARNING, "A part of the service did not close well.", e);
      }
    }
  }

  /** The state of everything, as {@code GET /health} answers it. */
  JsonObject health() {
    RecordStore.Status stored = store.status();
    RecordStore.Alarm alarm = stored.alarm();
    InboxBooks books = inbox.books();
    String status = alarm != null ? "fail" : links.up() ? "pass" : "warn";
    JsonObject.Builder storeJson =
        JsonObject.builder()
            .put("state", alarm == null ? "ok" : alarm.code())
            .put("entries", stored.entries())
            .put("bytes", stored.bytes())
            .put("streams", stored.streams())
            .put("pending_bytes", stored.pendingBytes())
            .put("damaged_bytes", stored.damagedBytes())
            .put("unreadable_entries", stored.unreadable())
            .put("missing_records", stored.missing());
    if (alarm != null) {
      storeJson.put("since", alarm.since().toString()).put("message", alarm.message());
    }
    return JsonObject.builder()
        .put("status", status)
        .put("fleet", settings.fleet())
        .put("link", links.firstJson())
        .put("links", links.toJson())
        .put("store", storeJson.build())
        .put(
            "inbox",
            JsonObject.builder()
                .put("stored", books.stored())
                .put("gaps", books.gaps())
                .put("duplicates", books.duplicates())
                .put("held_bytes", books.heldBytes())
                .put("out_of_order", books.outOfOrder())
                .put("beyond_window", books.beyondWindow())
                .put("refused", books.refused())
                .put("store_failures", books.storeFailures())
                .build())
        .put(
            "queues",
            JsonObject.builder()
                .put("agents", agents.waiting())
                .put("desk", desk.waiting())
                .build())
        .put("refusals", Views.refusals(refusals.all()))
        .build();
  }

  /** What only counts up, as {@code GET /metrics} answers it. */
  private Response metrics() {
    String agentSwaps = "fairlead_computations_agent_swaps_total";
    String linkSwaps = "fairlead_computations_link_swaps_total";
    String changes = "fairlead_computations_agent_bundle_changes_total";
    SwapCounts ordered = swaps.counts();
    SwapCounts changed = bundles.counts();
    Metrics metrics =
        new Metrics()
            .counter(agentSwaps, "Orders to agents to change their transport, by outcome.")
            .sample(agentSwaps, "outcome=\"done\"", ordered.done())
            .sample(agentSwaps, "outcome=\"failed\"", ordered.failed())
            .counter(changes, "Newer bundles that were brought to agents, by outcome.")
            .sample(changes, "outcome=\"done\"", changed.done())
            .sample(changes, "outcome=\"failed\"", changed.failed())
            .counter(linkSwaps, "Own links that were to be replaced by newer ones, by outcome.");
    exchange
        .swaps()
        .forEach(
            (transport, counts) ->
                metrics
                    .sample(linkSwaps, labels(transport, "done"), counts.done())
                    .sample(linkSwaps, labels(transport, "failed"), counts.failed()));
    return metrics.toResponse();
  }

  private static String labels(String transport, String outcome) {
    return "transport=\"%s\",outcome=\"%s\"".formatted(transport, outcome);
  }

  private void arrived(String transport, long line, Message message) {
    Migrator now = tap;
    if (now != null) {
      now.arrived(transport, line, message);
    }
  }

  private void interrupted(String transport) {
    Migrator now = tap;
    if (now != null) {
      now.interrupted(transport);
    }
  }

  private void watch(Computation computation) {
    String id = computation.id();
    Run run = computation.run();
    AgentState state = run.vm() == VmState.ENDED ? AgentState.GONE : run.agent();
    liveness.watch(id, run.number(), state, run.lastHeard(), run.credentialExpiresAt());
    reception.begin(id, registry.epochs(id));
    Instant expiresAt = run.credentialExpiresAt();
    if (state != AgentState.GONE && expiresAt != null) {
      String transport = run.transport();
      renewals.track(id, run.number(), transport == null ? access.first() : transport, expiresAt);
    }
  }

  /** Whether somebody may still send to a stream: an agent that is not gone, or a manager. */
  private boolean mayBeAlive(StreamId stream) {
    return Addresses.parse(stream.address())
        .filter(
            from ->
                liveness
                    .view(from.party())
                    .map(view -> view.state() != AgentState.GONE)
                    .orElse(from.isHost()))
        .isPresent();
  }

  private CompletionStage<byte[]> asked(String address, String id, byte[] payload) {
    Optional<Addresses> from = Addresses.parse(address);
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    boolean taken =
        from.isPresent()
            && desk.offer(
                () -> {
                  try {
                    answer.complete(answers.answer(from.get().party(), id, payload).toJson());
                  } catch (ComputationException e) {
                    answer.completeExceptionally(e);
                  }
                });
    if (!taken) {
      refusals.count("overloaded", address, "More requests wait than can be answered.");
      answer.completeExceptionally(
          new ComputationException(
              ComputationException.Category.RETRY,
              "overloaded",
              "More requests wait than can be answered: ask again."));
    }
    return answer;
  }

  /** Called under the lock of what watches: hands over, no more. */
  private void changed(Liveness.Change change) {
    if (!agents.offer(() -> write(change))) {
      refusals.count("overloaded", change.id(), "A change of state was not written down.");
    }
  }

  private void write(Liveness.Change change) {
    try {
      registry.agent(change.id(), change.run(), change.after(), change.lastHeard());
    } catch (ComputationException e) {
      refusals.count(e.code(), change.id(), String.valueOf(e.getMessage()));
    }
    JsonObject.Builder details =
        JsonObject.builder()
            .put("run", change.run())
            .put("before", change.before().word())
            .put("why", change.why());
    Instant lastHeard = change.lastHeard();
    if (lastHeard != null) {
      details.put("last_heard", lastHeard.toString());
    }
    String word = change.after().word();
    Event event =
        new Event(
            "Agent",
            Character.toUpperCase(word.charAt(0)) + word.substring(1),
            change.at(),
            change.id(),
            "computations",
            details.build());
    var unused = store.note(change.id(), Addresses.EVENTS, event.toJson());
  }

  private void tick() {
    ScheduledThreadPoolExecutor ticker =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread made = new Thread(task, "fl-computations-tick");
              made.setDaemon(true);
              return made;
            });
    later(
        () -> {
          ticker.shutdownNow();
          if (!ticker.awaitTermination(10, TimeUnit.SECONDS)) {
            LOG.log(WARNING, "The ticking thread did not end in time.");
          }
        });
    var ticks =
        ticker.scheduleWithFixedDelay(
            safely(this::look), 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    // Chores ask issuers and the database, and wait for them; they queue up with the requests.
    Chores chores = new Chores();
    var asks =
        ticker.scheduleWithFixedDelay(
            safely(chores::offer), 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    LOG.log(System.Logger.Level.DEBUG, "Ticking: {0}, {1}", ticks, asks);
  }

  private void look() {
    liveness.check();
    if (exchange.connected()) {
      reception.check();
    }
  }

  /** What is done every second, at the desk: one at a time, and not while one still waits. */
  private final class Chores {
    private volatile boolean waiting;
    private long nextNanos = System.nanoTime();

    void offer() {
      if (System.nanoTime() - nextNanos >= 0 && !waiting) {
        nextNanos = System.nanoTime() + CHORES.toNanos();
        waiting = true; // first, since it may be done before the next line
        if (!desk.offer(this::run)) {
          waiting = false;
        }
      }
    }

    private void run() {
      try {
        chores();
      } finally {
        waiting = false;
      }
    }
  }

  private void chores() {
    links.check();
    bundles.check();
    if (!access.ready()) {
      return;
    }
    try {
      answers.revokeWhatEnded();
      swaps.check();
      renewals.check();
      migrator.check();
      Instant now = clock.instant();
      closeWhatEnded(now);
      if (Duration.between(requestsForgotten, now).compareTo(Duration.ofHours(1)) > 0) {
        registry.forgetRequests(REMEMBER_REQUESTS);
        requestsForgotten = now;
      }
    } catch (TransportException e) {
      refusals.count(e.code(), "issuer", String.valueOf(e.getMessage()));
    } catch (ComputationException e) {
      refusals.count(e.code(), "registry", String.valueOf(e.getMessage()));
    }
  }

  /** Called by threads of transports: hands over, no more. */
  private void beat(String id, Heartbeat heartbeat) {
    swaps.heard(id, heartbeat);
  }

  private boolean changesBundle(String id) {
    return bundles.isUnderWay(id);
  }

  /** The transport that an agent says it is on. */
  private @Nullable String spokenOn(String id) {
    Heartbeat heartbeat = reception.said(id).heartbeat();
    return heartbeat == null ? null : heartbeat.transport();
  }

  private void checkSwaps() {
    try {
      swaps.check();
    } catch (TransportException e) {
      refusals.count(e.code(), "issuer", String.valueOf(e.getMessage()));
    } catch (ComputationException e) {
      refusals.count(e.code(), "registry", String.valueOf(e.getMessage()));
    }
  }

  /** Not while what ended long ago may still come from where it is stored. */
  private void closeWhatEnded(Instant now) {
    if (settings.forgetAt() == AckLevel.STORED) {
      if (links.upSince(now.minus(FROM_STORE))) {
        answers.closeWhatEnded(now.minus(FROM_STORE));
      }
    } else {
      answers.closeWhatEnded(now.minus(STRAGGLERS));
    }
  }

  /** Fleet and party, which say who is spoken to. */
  private static String party(String address) {
    int end = address.indexOf('/', address.indexOf('/') + 1);
    return end < 0 ? address : address.substring(0, end);
  }

  private <T extends AutoCloseable> T later(T part) {
    toClose.push(part);
    return part;
  }

  private static Runnable safely(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException e) {
        LOG.log(ERROR, "A regular task failed; it is done again.", e);
      }
    };
  }

  private static void makeDirectory(Path directory) {
    try {
      if (!Files.isDirectory(directory)) {
        Files.createDirectories(
            directory,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
    } catch (IOException e) {
      throw new ComputationException(
          ComputationException.Category.BROKEN,
          "directory-unusable",
          "The directory %s cannot be made: %s.".formatted(directory, e.getMessage()),
          e);
    }
  }

  /** Counts what the inbox meets. */
  private final class InboxWatch implements InboxListener {
    @Override
    public void refused(String address, DeliveryException reason) {
      refusals.count(reason.code(), address, String.valueOf(reason.getMessage()));
    }

    @Override
    public void gap(Batch gap) {
      LOG.log(
          WARNING,
          "{0} lacks records {1} to {2}: {3}.",
          gap.stream().address(),
          Long.toString(gap.first()),
          Long.toString(gap.last()),
          gap.gap());
    }

    @Override
    public void storeFailed(StreamId stream, Throwable reason) {
      refusals.count("store-failed", stream.address(), String.valueOf(reason.getMessage()));
    }
  }
}
