// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.AgentStatus;
import dev.fairlead.agent.StreamBooks;
import dev.fairlead.agent.run.Sandbox;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Books;
import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.Copies;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.Lost;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The agent on its transport: says hello and gives signs of life, carries events and lines to the
 * outbox, and brings manifest and commands to the agent. What comes in is handled by one thread,
 * from a bounded queue, so that no thread of a transport ever waits.
 */
public final class AgentSession implements AutoCloseable {

  private static final System.Logger log = System.getLogger(AgentSession.class.getName());

  /** What waits to be handled; a manifest or command that finds it full is asked for again. */
  private static final int QUEUE = 64;

  private static final int IDS_REMEMBERED = 256;

  /** How long the last events may take to be delivered, once the agent was told to stop. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(20);

  /** How long what became of a bundle is said, until it is heard. */
  private static final Duration OUTCOME = Duration.ofMinutes(5);

  private static final long EVENTS_BYTES = 1 << 20;

  private final Setup setup;
  private final BootFacts facts;
  private final Addresses addresses;
  private final String epoch;
  private final Map<String, String> credentials = new ConcurrentHashMap<>();
  private final Runner runner;
  private final Switchboard switchboard;
  private final Providers providers = new Providers();
  private final Swapper swapper;
  private final CopyLine copyLine;
  private final BundleIntake intake;
  private final Outbox outbox;
  private final OutStream events;
  private final OutStream logs;
  private final EventQueue said;
  private final Agent agent;
  private final BlockingQueue<Runnable> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Thread loop;
  private final AtomicBoolean chosen = new AtomicBoolean();
  private final AtomicBoolean greeted = new AtomicBoolean();
  private final AtomicBoolean waited = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicLong overflow = new AtomicLong();
  private final Set<String> commandIds = new LinkedHashSet<>();
  private long heartbeats;

  /** Guards {@link #requester}. */
  private final Object asking = new Object();

  /** Made when it is first needed: few agents ask anything. */
  private @Nullable Requester requester;

  /** Of these, events have been told; only touched by the loop. */
  private long overflowTold;

  /**
   * What a session needs.
   *
   * @param work a directory of the agent's own
   * @param kinds finds a kind of algorithm by its name
   * @param random cannot be guessed
   * @param logBytes memory for lines that are not delivered yet
   * @param spool a folder in which events and lines outlive this process; null: memory alone
   * @param spoolBytes the most bytes of each of its two streams there
   * @param heartbeat time between two signs of life
   * @param patience how long the transport's provider may take to appear
   * @param greeted called once, when the first hello is on its way, or after the patience where no
   *     connection came about: what the hello does not need may start
   * @param ended called once, when the agent was told to stop and all is delivered
   * @param fatal called when the agent cannot go on
   * @param updater finds whoever changes bundles in this process; null where there is nobody yet
   */
  public record Setup(
      StartFacts start,
      AgentSettings settings,
      Path work,
      Sandbox sandbox,
      Function<String, Optional<AlgorithmKind>> kinds,
      InstantSource clock,
      RandomGenerator random,
      String version,
      long logBytes,
      @Nullable Path spool,
      long spoolBytes,
      Duration heartbeat,
      Duration patience,
      Runnable greeted,
      Runnable ended,
      Consumer<Throwable> fatal,
      Supplier<@Nullable BundleUpdater> updater) {}

  /**
   * Starts one; it connects as soon as {@link #offer} brings the right provider.
   *
   * @throws IOException when the working directory cannot be used
   * @throws DeliveryException when the spool is in use or cannot be read
   */
  public AgentSession(Setup setup) throws IOException {
    this.setup = setup;
    this.facts = setup.start().facts();
    this.addresses = facts.addresses();
    credentials.put(facts.transport(), setup.start().credential());
    runner = Runner.start("fairlead-delivery");
    switchboard = new Switchboard(runner, new Refusals());
    Copies copies = new Copies(switchboard);
    copyLine =
        new CopyLine(
            copies,
            addresses.stream(Addresses.LOGS),
            (status, details) -> tell(CopyLine.EVENT, status, details));
    swapper =
        new Swapper(
            facts,
            switchboard,
            providers,
            credentials,
            this::settings,
            this::swapDecided,
            System::nanoTime,
            Swapper.PATIENCE);
    intake =
        new BundleIntake(
            facts.bundles(),
            setup.work().resolve("bundles"),
            setup.updater(),
            this::ask,
            this::bundleDecided,
            System::nanoTime);
    outbox = new Outbox(copies, runner);
    String fresh = "e" + Long.toString(setup.random().nextLong() >>> 1, Character.MAX_RADIX);
    events = outbox.open(stream(Addresses.EVENTS, fresh, EVENTS_BYTES).withPriority(0));
    said = new EventQueue(events, this::eventsLost);
    // With a spool, this process may go on with an earlier one's numbering.
    epoch = events.id().epoch();
    logs = outbox.open(stream(Addresses.LOGS, epoch, setup.logBytes()).withPriority(1));
    agent =
        new Agent(
            new Agent.Identity(facts.computation(), epoch, setup.version()),
            setup.settings(),
            new Agent.Environment(
                setup.work(),
                setup.sandbox(),
                setup.kinds(),
                new OutboxReporter(),
                setup.clock(),
                System::nanoTime,
                setup.random(),
                setup.fatal()));
    agent.start();
    loop = new Thread(this::handle, "fairlead-agent");
    loop.setDaemon(true);
    loop.start();
    switchboard.subscribe(addresses.manifest(), this::manifestCame);
    switchboard.subscribe(addresses.commands(), this::commandCame);
    switchboard.onConnected(() -> runner.execute(this::hello));
    runner.after(setup.patience(), this::patienceIsOver);
    runner.after(setup.heartbeat(), this::heartbeat);
  }

  private StreamConfig stream(String name, String numbering, long bytes) {
    StreamConfig config =
        StreamConfig.of(addresses.stream(name), addresses.acks(name), numbering)
            .withCapacity(bytes)
            .withForgetAt(facts.forgetsStored() ? AckLevel.STORED : AckLevel.DELIVERED);
    Path spool = setup.spool();
    return spool == null ? config : config.withSpool(spool.resolve(name), setup.spoolBytes());
  }

  /** The agent. */
  public Agent agent() {
    return agent;
  }

  /** All memory of this machine in bytes; 0 where it is not known. */
  public static long machineMemory() {
    return Machine.memory();
  }

  /** The books of both streams, by name. */
  public Map<String, Books> books() {
    return Map.of(Addresses.EVENTS, events.books(), Addresses.LOGS, logs.books());
  }

  // --- transport ---

  /**
   * Tells of a provider that is there. The first one whose name is that of the facts is used; all
   * others are left alone, until this agent is told to go over to one of them.
   */
  public void offer(TransportProvider provider) {
    providers.add(provider);
    if (!provider.name().equals(facts.transport()) || !chosen.compareAndSet(false, true)) {
      return;
    }
    if (facts.forgetsStored()
        && !provider.capabilities().contains(TransportProvider.Capability.STORED)) {
      setup
          .fatal()
          .accept(
              new IllegalStateException(
                  "The agent is to forget what is stored, and transport '%s' stores nothing: let it forget what is delivered."
                      .formatted(provider.name())));
      return;
    }
    Function<String, @Nullable String> settings = settings(facts.first());
    switchboard
        .use(provider, settings, setup.patience())
        .whenComplete(
            (done, failure) -> {
              if (failure != null && !closed.get()) {
                setup.fatal().accept(failure);
              }
            });
  }

  /** A provider goes; what it has open is opened anew through another of its name, if there is. */
  public void withdraw(TransportProvider provider) {
    providers.remove(provider);
    TransportProvider next = providers.get(provider.name());
    if (next != null) {
      reopen(provider, next)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  log.log(WARNING, "A link is left to a provider that has gone.", failure);
                }
              });
    }
  }

  /** As {@link dev.fairlead.delivery.LinkHolder} says. */
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return switchboard
        .reopen(old, next, Swapper.PATIENCE)
        .thenCompose(done -> copyLine.reopen(old, next));
  }

  private Function<String, @Nullable String> settings(TransportFact fact) {
    String lastWill = new String(new Lost(facts.computation(), epoch).toJson(), UTF_8);
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> fact.uri().toString();
          case TransportProvider.CREDENTIAL -> credentials.get(fact.name());
          case TransportProvider.CA_SHA256 -> fact.caSha256();
          case TransportProvider.REPLIES -> addresses.replies();
          case TransportProvider.WILL_ADDRESS -> addresses.lost();
          case TransportProvider.WILL_PAYLOAD -> lastWill;
          default -> null;
        };
  }

  private void swapDecided(String status, JsonObject details) {
    log.log(INFO, "Change of the transport: {0}: {1}", status, details);
    tell(Swapper.EVENT, status, details);
    runner.execute(this::beat);
  }

  private void bundleDecided(Command.Bundle order, BundleRequest.Outcome outcome) {
    JsonObject details =
        JsonObject.builder()
            .put("command", order.id())
            .put("bundle", order.bundle())
            .putIfPresent("from", outcome.from())
            .put("to", order.version())
            .put("sha256", order.sha256())
            .putIfPresent("code", outcome.code())
            .putIfPresent("message", outcome.message())
            .put("others_refreshed", outcome.othersRefreshed())
            .put("millis", outcome.millis())
            .build();
    String status = outcome.done() ? "Completed" : "Failed";
    log.log(INFO, "Change of a bundle: {0}: {1}", status, details);
    tell(BundleIntake.EVENT, status, details);
    ask(outcome, OUTCOME)
        .whenComplete(
            (heard, failure) -> {
              if (failure != null) {
                log.log(DEBUG, "Nobody wants to know what became of a bundle.", failure);
              }
            });
  }

  /** Says what became of an order. */
  private void tell(String event, String status, JsonObject details) {
    said.say(
        new Event(
                event,
                status,
                setup.clock().instant(),
                facts.computation(),
                Agent.ORIGINATOR,
                details)
            .toJson());
  }

  /** Asks whoever gives commands; again until it is answered. */
  private CompletionStage<byte[]> ask(BundleRequest request, Duration patience) {
    synchronized (asking) {
      if (closed.get()) {
        return CompletableFuture.failedStage(new IllegalStateException("The agent ends."));
      }
      Requester made = requester;
      if (made == null) {
        made = new Requester(switchboard, runner, addresses.bundles(), addresses.replies());
        requester = made;
      }
      return made.ask(request.toJson(), patience);
    }
  }

  private void patienceIsOver() {
    if (!chosen.get()) {
      setup
          .fatal()
          .accept(
              new IllegalStateException(
                  "There is no transport '%s' in this deployment; add its bundle."
                      .formatted(facts.transport())));
    }
    letOthersStart();
  }

  private void letOthersStart() {
    if (greeted.compareAndSet(false, true)) {
      // Not on the delivery thread, which has better to do.
      Thread thread = new Thread(this::runGreeted, "fairlead-agent-doors");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void runGreeted() {
    try {
      setup.greeted().run();
    } catch (RuntimeException e) {
      log.log(ERROR, "The agent's doors did not open; it goes on without them.", e);
    }
  }

  /** Told what the broker refuses: it is in the log, and an event once there is a way. */
  private final class Refusals implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      log.log(INFO, "Transport {0} is {1}: {2}", transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      String what = address == null ? "the connection" : address;
      post(
          () ->
              agent.reportRefusal(
                  "TransportRefused",
                  refusal.code(),
                  "%s refused %s: %s".formatted(transport, what, refusal.getMessage())));
    }
  }

  // --- up ---

  private void hello() {
    AgentStatus status = agent.status();
    if (status.state() != AgentState.RECEIVING_MANIFEST || !switchboard.connected()) {
      return;
    }
    Hello hello =
        new Hello(
            facts.computation(),
            epoch,
            setup.clock().instant(),
            status.state(),
            agent.uptime(),
            switchboard.transport().orElse(facts.transport()),
            status.manifestSha256(),
            setup.version());
    send(addresses.hello(), hello.toJson(), "hello");
    letOthersStart();
  }

  private void heartbeat() {
    if (closed.get()) {
      return;
    }
    runner.after(setup.heartbeat(), this::heartbeat);
    beat();
  }

  private void beat() {
    if (closed.get() || !switchboard.connected()) {
      return;
    }
    // Whoever answers a hello may have started only now.
    hello();
    heartbeats++;
    long queued = 0;
    long unacked = 0;
    long dropped = 0;
    for (Books books : books().values()) {
      queued += books.queued();
      unacked += books.unacked();
      dropped += books.droppedTotal();
    }
    Heartbeat beat =
        new Heartbeat(
            facts.computation(),
            epoch,
            heartbeats,
            setup.clock().instant(),
            setup.heartbeat(),
            agent.status().state(),
            agent.uptime(),
            new Heartbeat.Backlog(queued, unacked, dropped),
            Machine.load(),
            setup.version(),
            switchboard.transport().orElse(facts.transport()),
            swapper.newest());
    send(addresses.heartbeat(), beat.toJson(), "heartbeat");
  }

  private void send(String address, byte[] payload, String what) {
    switchboard
        .send(new Message(address, payload))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                log.log(DEBUG, "A {0} was not sent; the next one follows: {1}", what, failure);
              }
            });
  }

  private final class OutboxReporter implements Reporter {

    @Override
    public void event(Event event) {
      said.say(event.toJson());
    }

    @Override
    public void log(LogRecord line) throws InterruptedException {
      logs.append(line.toJson());
    }

    @Override
    public Map<String, StreamBooks> books() {
      return Map.of(Addresses.EVENTS, of(events.books()), Addresses.LOGS, of(logs.books()));
    }

    private static StreamBooks of(Books books) {
      return new StreamBooks(
          books.appended(), books.delivered(), books.queued(), books.droppedTotal());
    }
  }

  // --- down ---

  private void manifestCame(Message message) {
    byte[] bytes = message.bytes();
    post(() -> agent.takeEnvelope(bytes));
  }

  private void commandCame(Message message) {
    byte[] bytes = message.bytes();
    post(() -> obey(bytes));
  }

  private void obey(byte[] bytes) {
    Command command;
    try {
      command = Command.parse(bytes);
    } catch (ProtocolException e) {
      agent.reportRefusal("CommandRefused", e.code(), String.valueOf(e.getMessage()));
      return;
    }
    if (!commandIds.add(command.id())) {
      return;
    }
    if (commandIds.size() > IDS_REMEMBERED) {
      commandIds.remove(commandIds.iterator().next());
    }
    if (command instanceof Command.Credential renewal) {
      boolean permitted =
          facts.transports().stream().anyMatch(fact -> fact.name().equals(renewal.transport()));
      if (permitted) {
        credentials.put(renewal.transport(), renewal.credential());
        log.log(INFO, "The credential for {0} was renewed.", renewal.transport());
      } else {
        agent.reportRefusal(
            "CommandRefused",
            "transport-not-permitted",
            "A credential came for a transport that is not among this VM's measured facts.");
      }
    } else if (command instanceof Command.Swap swap) {
      if (!intake.isUnderWay() && swap.transport().equals(copyLine.transport())) {
        copyLine.end(); // a broker may let a name in once
      }
      swapper.obey(swap, intake.isUnderWay());
    } else if (command instanceof Command.Shadow shadow) {
      copy(shadow);
    } else if (command instanceof Command.ShadowEnd) {
      copyLine.end();
    } else if (command instanceof Command.Bundle bundle) {
      intake.obey(bundle, swapper.isUnderWay() || copyLine.isUnderWay());
    } else if (command instanceof Command.Bundles bundles) {
      intake.list(bundles);
    } else if (command instanceof Command.Stop stop) {
      agent.stop(stop.reason());
      drain(LAST_WORDS);
      waited.set(true);
      setup.ended().run();
    }
  }

  private void copy(Command.Shadow order) {
    String name = order.transport();
    Optional<TransportFact> fact =
        facts.transports().stream().filter(one -> one.name().equals(name)).findFirst();
    TransportProvider provider = providers.get(name);
    if (intake.isUnderWay()) {
      commandIds.remove(order.id()); // it is given again until it is followed
      agent.reportRefusal(
          "CommandRefused",
          "change-under-way",
          "Copies were asked for while a transport's bundle is just being changed: ask again.");
    } else if (fact.isEmpty()) {
      agent.reportRefusal(
          "CommandRefused",
          "transport-not-permitted",
          "Copies were asked for over a transport that is not among this VM's measured facts.");
    } else if (provider == null) {
      agent.reportRefusal(
          "CommandRefused",
          "transport-not-deployed",
          "Copies were asked for over transport '%s', whose bundle is not here.".formatted(name));
    } else if (switchboard.transport().filter(name::equals).isPresent()) {
      agent.reportRefusal(
          "CommandRefused",
          "same-transport",
          "Copies were asked for over transport '%s', which the originals use.".formatted(name));
    } else {
      credentials.put(name, order.credential());
      Function<String, @Nullable String> settings = settings(fact.get());
      // No last will: the end of this connection is not the end of the agent.
      copyLine.begin(
          order,
          provider,
          key ->
              key.equals(TransportProvider.WILL_ADDRESS)
                      || key.equals(TransportProvider.WILL_PAYLOAD)
                  ? null
                  : settings.apply(key));
    }
  }

  /** Waits until what was said has been delivered. */
  private void drain(Duration patience) {
    CountDownLatch done = new CountDownLatch(1);
    long end = System.nanoTime() + patience.toNanos();
    try {
      boolean all = said.flush(patience);
      outbox.drained().whenComplete((nothing, failure) -> done.countDown());
      if (!done.await(end - System.nanoTime(), TimeUnit.NANOSECONDS) || !all) {
        log.log(WARNING, "Not everything was delivered before the end: {0}", books());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private byte[] eventsLost(long count) {
    return new Event(
            "EventsLost",
            "Warning",
            setup.clock().instant(),
            facts.computation(),
            Agent.ORIGINATOR,
            JsonObject.builder().put("events", count).build())
        .toJson();
  }

  private void post(Runnable task) {
    if (!queue.offer(task)) {
      log.log(
          WARNING,
          "The agent has {0} tasks before it; one more was left out ({1} so far).",
          QUEUE,
          overflow.incrementAndGet());
    }
  }

  /** Whoever sent what was left out learns of it: it is not done, and may be sent again. */
  private void tellOverflow() {
    long all = overflow.get();
    if (all > overflowTold) {
      agent.reportRefusal(
          "CommandRefused",
          "too-busy",
          "%d manifests or commands came while %d were waiting, and were left out: send them again."
              .formatted(all - overflowTold, QUEUE));
      overflowTold = all;
    }
  }

  private void handle() {
    try {
      while (!closed.get()) {
        queue.take().run();
        tellOverflow();
      }
    } catch (InterruptedException e) {
      log.log(DEBUG, "The agent's thread ends.");
    } catch (RuntimeException | Error e) {
      if (closed.get()) {
        log.log(DEBUG, "The end came while something was under way.", e);
      } else {
        setup.fatal().accept(e);
      }
    }
  }

  /** Ends everything: the algorithm, then what was said within 5 s, then the transport. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    agent.close();
    if (switchboard.connected() && !waited.get()) {
      drain(Duration.ofSeconds(5));
    }
    loop.interrupt();
    intake.close();
    synchronized (asking) {
      if (requester != null) {
        requester.close();
      }
    }
    copyLine.close();
    said.close();
    outbox.close();
    switchboard.close();
    runner.close();
  }
}
