// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.Books;
import dev.fairlead.delivery.Copies;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The agent on its transport: all that it says and hears, put together and taken apart in order.
 * What comes in is handled by one thread, from a bounded queue, so that no thread of a transport
 * ever waits. Safe for use by several threads.
 */
public final class AgentSession implements AutoCloseable {

  private static final System.Logger log = System.getLogger(AgentSession.class.getName());

  /** How long the last events may take to be delivered, once the agent was told to stop. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(20);

  /** The same where it ends for another reason. */
  private static final Duration HASTY_WORDS = Duration.ofSeconds(5);

  private final BootFacts facts;
  private final Duration patience;
  private final SessionSetup.Listener listener;
  private final Runner runner;
  private final Switchboard switchboard;
  private final AgentStreams streams;
  private final Agent agent;
  private final AgentEvents events;
  private final TransportSettings settings;
  private final Providers providers = new Providers();
  private final CopyLine copyLine;
  private final Swapper swapper;
  private final BundleRequests requests;
  private final BundleIntake intake;
  private final Presence presence;
  private final TaskQueue tasks;
  private final AtomicBoolean chosen = new AtomicBoolean();
  private final AtomicBoolean greeted = new AtomicBoolean();
  private final AtomicBoolean waited = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * Starts one; it connects as soon as {@link #offer} brings the right provider.
   *
   * @throws IOException when the working directory cannot be used
   * @throws DeliveryException when the spool is in use or cannot be read
   */
  public AgentSession(SessionSetup setup) throws IOException {
    facts = setup.start().facts();
    patience = setup.timing().patience();
    listener = setup.listener();
    SessionSetup.Platform platform = setup.platform();
    SessionSetup.Workspace workspace = setup.workspace();
    Addresses addresses = facts.addresses();
    runner = Runner.start("fairlead-delivery");
    switchboard = new Switchboard(runner, new Watch());
    Copies copies = new Copies(switchboard);
    streams =
        new AgentStreams(
            copies,
            runner,
            facts,
            setup.streams(),
            platform.clock(),
            "e" + Long.toString(platform.random().nextLong() >>> 1, Character.MAX_RADIX));
    agent =
        new Agent(
            new Agent.Identity(facts.computation(), streams.epoch(), platform.version()),
            setup.settings(),
            new Agent.Environment(
                workspace.directory(),
                workspace.sandbox(),
                workspace.kinds(),
                streams,
                platform.clock(),
                System::nanoTime,
                platform.random(),
                this::failed));
    events = agent.events();
    settings = new TransportSettings(setup.start(), streams.epoch());
    copyLine =
        new CopyLine(
            copies,
            addresses.stream(Addresses.LOGS),
            (status, details) -> events.tell(CopyLine.EVENT, status, details));
    swapper =
        new Swapper(
            facts,
            switchboard,
            providers,
            settings.credentials(),
            settings::of,
            this::swapDecided,
            System::nanoTime,
            Swapper.PATIENCE);
    requests = new BundleRequests(switchboard, runner, addresses, events);
    intake =
        new BundleIntake(
            facts.bundles(),
            workspace.directory().resolve("bundles"),
            platform.updater(),
            requests,
            requests,
            System::nanoTime);
    presence =
        new Presence(
            facts,
            agent,
            runner,
            switchboard,
            streams::backlog,
            swapper::newest,
            platform.clock(),
            setup.timing().heartbeat(),
            this::letOthersStart);
    agent.start();
    tasks = new TaskQueue(this::leftOut, this::failed);
    CommandHandler commands =
        new CommandHandler(
            settings, providers, switchboard, swapper, copyLine, intake, events, this::stop);
    switchboard.subscribe(addresses.manifest(), message -> handle(message, agent::takeEnvelope));
    switchboard.subscribe(addresses.commands(), message -> handle(message, commands::handle));
    presence.start();
    runner.after(patience, this::patienceIsOver);
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
    return streams.allBooks();
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
      listener.failed(
          new IllegalStateException(
              "The agent is to forget what is stored, and transport '%s' stores nothing: let it forget what is delivered."
                  .formatted(provider.name())));
      return;
    }
    switchboard
        .use(provider, settings.of(facts.first()), patience)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                failed(failure);
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

  private void swapDecided(String status, JsonObject details) {
    log.log(INFO, "Change of the transport: {0}: {1}", status, details);
    events.tell(Swapper.EVENT, status, details);
    presence.changed();
  }

  /** Told what the broker refuses: it is in the log, and an event once there is a way. */
  private final class Watch implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      log.log(INFO, "Transport {0} is {1}: {2}", transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      String what = address == null ? "the connection" : address;
      tasks.add(
          () ->
              events.refused(
                  "TransportRefused",
                  refusal.code(),
                  "%s refused %s: %s".formatted(transport, what, refusal.getMessage())));
    }
  }

  // --- start of the others ---

  private void patienceIsOver() {
    if (!chosen.get()) {
      listener.failed(
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
      listener.greeted();
    } catch (RuntimeException e) {
      log.log(ERROR, "The agent's doors did not open; it goes on without them.", e);
    }
  }

  // --- what comes ---

  private void handle(Message message, Consumer<byte[]> handler) {
    byte[] bytes = message.bytes();
    tasks.add(() -> handler.accept(bytes));
  }

  private void leftOut(long count) {
    events.refused(
        CommandHandler.REFUSED,
        "too-busy",
        "%d manifests or commands came while %d were waiting, and were left out: send them again."
            .formatted(count, TaskQueue.MOST));
  }

  // --- end ---

  private void failed(Throwable reason) {
    if (closed.get()) {
      log.log(DEBUG, "The end came while something was under way.", reason);
    } else {
      listener.failed(reason);
    }
  }

  private void stop(String reason) {
    agent.stop(reason);
    streams.drain(LAST_WORDS);
    waited.set(true);
    listener.ended();
  }

  /** Ends everything: the algorithm, then what was said within 5 s, then the transport. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    presence.close();
    agent.close();
    if (switchboard.connected() && !waited.get()) {
      streams.drain(HASTY_WORDS);
    }
    tasks.close();
    intake.close();
    requests.close();
    copyLine.close();
    streams.close();
    switchboard.close();
    runner.close();
  }
}
