// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.INFO;

import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.TransportProvider;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Does what the agent is commanded, each command once; what it does not do is told as an event.
 * Called by the thread {@code fairlead-agent} alone.
 */
final class CommandHandler {

  /** What its refusals are called. */
  static final String REFUSED = "CommandRefused";

  private static final System.Logger log = System.getLogger(CommandHandler.class.getName());

  private static final int IDS_REMEMBERED = 256;

  private final TransportSettings settings;
  private final Providers providers;
  private final Switchboard switchboard;
  private final Swapper swapper;
  private final CopyLine copyLine;
  private final BundleIntake intake;
  private final AgentEvents events;
  private final Stopper stopper;
  private final Set<String> ids = new LinkedHashSet<>();

  /** Ends the agent. */
  @FunctionalInterface
  interface Stopper {
    /**
     * Blocks until all that was said is delivered, or is given up.
     *
     * @param reason one sentence for a person
     */
    void stop(String reason);
  }

  CommandHandler(
      TransportSettings settings,
      Providers providers,
      Switchboard switchboard,
      Swapper swapper,
      CopyLine copyLine,
      BundleIntake intake,
      AgentEvents events,
      Stopper stopper) {
    this.settings = settings;
    this.providers = providers;
    this.switchboard = switchboard;
    this.swapper = swapper;
    this.copyLine = copyLine;
    this.intake = intake;
    this.events = events;
    this.stopper = stopper;
  }

  /** Obeys a command as it came, or says why not. */
  void handle(byte[] bytes) {
    Command command;
    try {
      command = Command.parse(bytes);
    } catch (ProtocolException e) {
      events.refused(REFUSED, e.code(), String.valueOf(e.getMessage()));
      return;
    }
    if (!ids.add(command.id())) {
      return;
    }
    if (ids.size() > IDS_REMEMBERED) {
      ids.remove(ids.iterator().next());
    }
    obey(command);
  }

  private void obey(Command command) {
    if (command instanceof Command.Credential renewal) {
      renew(renewal);
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
      stopper.stop(stop.reason());
    }
  }

  private void renew(Command.Credential renewal) {
    if (settings.fact(renewal.transport()).isPresent()) {
      settings.credentials().put(renewal.transport(), renewal.credential());
      log.log(INFO, "The credential for {0} was renewed.", renewal.transport());
    } else {
      events.refused(
          REFUSED,
          "transport-not-permitted",
          "A credential came for a transport that is not among this VM's measured facts.");
    }
  }

  private void copy(Command.Shadow order) {
    String name = order.transport();
    Optional<TransportFact> fact = settings.fact(name);
    TransportProvider provider = providers.get(name);
    if (intake.isUnderWay()) {
      ids.remove(order.id()); // it is given again until it is followed
      events.refused(
          REFUSED,
          "change-under-way",
          "Copies were asked for while a transport's bundle is just being changed: ask again.");
    } else if (fact.isEmpty()) {
      events.refused(
          REFUSED,
          "transport-not-permitted",
          "Copies were asked for over a transport that is not among this VM's measured facts.");
    } else if (provider == null) {
      events.refused(
          REFUSED,
          "transport-not-deployed",
          "Copies were asked for over transport '%s', whose bundle is not here.".formatted(name));
    } else if (switchboard.transport().filter(name::equals).isPresent()) {
      events.refused(
          REFUSED,
          "same-transport",
          "Copies were asked for over transport '%s', which the originals use.".formatted(name));
    } else {
      settings.credentials().put(name, order.credential());
      copyLine.begin(order, provider, settings.withoutLastWill(fact.get()));
    }
  }
}
