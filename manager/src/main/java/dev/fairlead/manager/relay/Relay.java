// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.relay;

import dev.fairlead.delivery.Link;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * Carries the messages of admitted computations between the link to this host's VMs and the link to
 * everybody else: {@code up/…} outward, {@code down/…} inward, each as it is. Numbers, checks and
 * acknowledgements go from end to end.
 *
 * <p>Safe for use by several threads; nothing blocks.
 */
public final class Relay implements AutoCloseable {

  private final String fleet;
  private final Link guests;
  private final Link uplink;
  private final Lane up;
  private final Lane down;
  private final Map<String, Subscription> admitted = new HashMap<>();
  private final LongAdder strangers = new LongAdder();
  private final Subscription everybody;

  /**
   * Makes one, and begins to listen to the VMs.
   *
   * @param fleet first segment of all addresses
   * @param guests on which the VMs of this host are
   * @param uplink on which everybody else is
   */
  public Relay(String fleet, Link guests, Link uplink) {
    this.fleet = fleet;
    this.guests = guests;
    this.uplink = uplink;
    this.up = new Lane(uplink);
    this.down = new Lane(guests);
    this.everybody = guests.subscribe(fleet + "/*/up/**", this::outward);
  }

  /** From now on a computation's messages are carried. Idempotent. */
  public void admit(String computation) {
    Addresses own = Addresses.ofComputation(fleet, computation);
    synchronized (admitted) {
      admitted.computeIfAbsent(
          computation,
          absent -> uplink.subscribe(own.down("**"), message -> down.offer(computation, message)));
    }
  }

  /** They are carried no more; what it said before still goes out. Idempotent. */
  public void dismiss(String computation) {
    Subscription subscription;
    synchronized (admitted) {
      subscription = admitted.remove(computation);
    }
    if (subscription != null) {
      subscription.close();
      down.forget(computation);
    }
  }

  /** Whether messages could be carried now. */
  public boolean isConnected() {
    return guests.connected() && uplink.connected();
  }

  /** What became of the VMs' messages. */
  public Lane.Books outward() {
    return up.books();
  }

  /** What became of the messages to the VMs. */
  public Lane.Books inward() {
    return down.books();
  }

  /** Messages of computations that are not admitted: none of them was carried. */
  public long strangers() {
    return strangers.sum();
  }

  private void outward(Message message) {
    String party =
        Addresses.parse(message.address())
            .filter(Addresses::isComputation)
            .map(Addresses::party)
            .orElse("");
    boolean known;
    synchronized (admitted) {
      known = admitted.containsKey(party);
    }
    if (known) {
      up.offer(party, message);
    } else {
      strangers.increment();
    }
  }

  /** Carries nothing any more. The links stay their owner's. Idempotent. */
  @Override
  public void close() {
    everybody.close();
    synchronized (admitted) {
      admitted.values().forEach(Subscription::close);
      admitted.clear();
    }
  }
}
