// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

/**
 * The usual pair: an agent that sends up, and a collector that is seen to receive it.
 *
 * @param up an address to which the agent may send, and which the inbox covers
 * @param down an address which the agent may receive, and to which the collector may send
 */
record Line(Peer agent, Peer collector, Inbox inbox, String up, String down) {

  static Line open(Workbench workbench) {
    String fleet = workbench.fleet();
    Peer collector = workbench.collector(fleet).connect();
    Peer agent = workbench.agent(fleet, workbench.subject()).connect();
    Inbox inbox = collector.subscribe(fleet + "/*/up/**");
    String own = fleet + "/" + agent.subject();
    Line line = new Line(agent, collector, inbox, own + "/up/logs", own + "/down/commands");
    line.untilStands(workbench);
    return line;
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
