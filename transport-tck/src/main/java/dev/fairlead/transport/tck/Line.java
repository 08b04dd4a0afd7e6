// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.api.TransportProvider;
import org.jspecify.annotations.Nullable;

/**
 * The usual pair: an agent that sends up, and a collector that is seen to receive it.
 *
 * @param up an address to which the agent may send, and which the inbox covers
 * @param down an address which the agent may receive, and to which the collector may send
 */
record Line(Peer agent, Peer collector, Inbox inbox, String up, String down) {

  static Line open(Workbench workbench) {
    return open(workbench, null);
  }

  /** With an agent that has a last will, where it is given one: said to the same address. */
  static Line open(Workbench workbench, @Nullable String lastWill) {
    String fleet = workbench.fleet();
    Peer collector = workbench.collector(fleet).connect();
    Peer agent = workbench.agent(fleet, workbench.subject());
    String up = agent.own("up/logs");
    if (lastWill != null) {
      agent.set(TransportProvider.WILL_ADDRESS, up).set(TransportProvider.WILL_PAYLOAD, lastWill);
    }
    agent.connect();
    Inbox inbox = collector.subscribe(fleet + "/*/up/**");
    Line line = new Line(agent, collector, inbox, up, agent.own("down/commands"));
    line.untilStands(workbench);
    return line;
  }

  /** One more agent that has a last will, said to the same inbox. */
  Peer another(Workbench workbench, String lastWill) {
    Peer agent = workbench.agent(up.substring(0, up.indexOf('/')), workbench.subject());
    return agent
        .set(TransportProvider.WILL_ADDRESS, agent.own("up/logs"))
        .set(TransportProvider.WILL_PAYLOAD, lastWill)
        .connect();
  }

  /** Waits until what the agent sends reaches the inbox. */
  void untilStands(Workbench workbench) {
    workbench.stands(inbox, agent, up);
  }

  /** Sends a message of which nothing else is expected than to arrive after what went before. */
  void fence(Workbench workbench) {
    int before = inbox.size();
    agent.deliver(up, "fence");
    workbench.arrives(inbox, before + 1);
  }
}
