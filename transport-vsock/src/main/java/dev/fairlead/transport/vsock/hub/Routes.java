// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whom what one sender sends to an address reaches. Remembered until any subscription changes,
 * since a sender uses few addresses. For the sender's reading thread.
 */
final class Routes {

  /** A receiver, and its subscriptions that match. */
  static final class Target {
    private final Session session;
    private final Outflow outflow;
    private final int[] subscriptions;

    Target(Session session, Outflow outflow, int[] subscriptions) {
      this.session = session;
      this.outflow = outflow;
      this.subscriptions = subscriptions;
    }

    void deliver(ByteBuffer message, Flow from) {
      switch (outflow.offer(from, new Outflow.Item(message, subscriptions))) {
        case HELD_UP -> from.hold();
        case TOO_MUCH ->
            session.goodbye(
                false, "too-slow", "This end reads too slowly: what it missed is lost to it.");
        case TAKEN -> {}
      }
    }
  }

  /** What an address leads to. */
  record Route(boolean permitted, List<Target> targets) {}

  private static final int MAX_REMEMBERED = 256;

  private final Hub hub;
  private final Session sender;
  private final Map<String, Route> remembered = new HashMap<>();
  private long version = -1;

  Routes(Hub hub, Session sender) {
    this.hub = hub;
    this.sender = sender;
  }

  Route of(String address) {
    long now = hub.version();
    if (now != version || remembered.size() >= MAX_REMEMBERED) {
      remembered.clear();
      version = now;
    }
    return remembered.computeIfAbsent(address, this::find);
  }

  private Route find(String address) {
    Gate.Pass pass = sender.pass();
    String[] segments = Pattern.segments(address);
    if (pass == null || !Pattern.anyMatches(pass.sends(), segments)) {
      return new Route(false, List.of());
    }
    List<Target> targets = new ArrayList<>();
    for (Session session : hub.sessions()) {
      Outflow outflow = session.outflow();
      int[] matching =
          Arrays.stream(session.subscriptions())
              .filter(each -> each.pattern().matches(segments))
              .mapToInt(Session.Sub::number)
              .toArray();
      if (outflow != null && matching.length > 0) {
        targets.add(new Target(session, outflow, matching));
      }
    }
    return new Route(true, List.copyOf(targets));
  }
}
