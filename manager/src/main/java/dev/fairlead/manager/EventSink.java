// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.protocol.Event;

/** Where the manager says what happens to its VMs. Safe for use by several threads. */
@FunctionalInterface
public interface EventSink {

  /** Takes an event; never blocks, never throws. What cannot be kept is counted and logged. */
  void say(Event event);
}
