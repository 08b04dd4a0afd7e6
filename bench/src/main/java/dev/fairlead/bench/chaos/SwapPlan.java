// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Orders agents from transport to transport, by a seed. For use by one thread. */
final class SwapPlan {

  private static final long LEAST_MILLIS = 900;
  private static final int MORE_MILLIS = 1200;

  private final List<Guest> guests;
  private final List<String> transports;
  private final Random random;
  private final List<Turn> turns = new ArrayList<>();

  /** Whose turn is when. */
  private static final class Turn {
    String at;
    long due;

    Turn(String at, long due) {
      this.at = at;
      this.due = due;
    }
  }

  /**
   * Makes one.
   *
   * @param start by the steady clock
   * @param transports the first is that which agents begin with
   */
  SwapPlan(long seed, long start, List<Guest> guests, List<String> transports) {
    this.guests = guests;
    this.transports = transports;
    this.random = new Random(~seed); // not those numbers from which the faults follow
    while (turns.size() < guests.size()) {
      turns.add(new Turn(transports.get(0), start + pause()));
    }
  }

  private long pause() {
    return TimeUnit.MILLISECONDS.toNanos(LEAST_MILLIS + random.nextInt(MORE_MILLIS));
  }

  /** Gives what orders are due. */
  void step() throws IOException {
    long now = System.nanoTime();
    for (int i = 0; i < turns.size(); i++) {
      Turn turn = turns.get(i);
      if (now - turn.due >= 0) {
        int next = (transports.indexOf(turn.at) + 1 + random.nextInt(transports.size() - 1));
        turn.at = transports.get(next % transports.size());
        turn.due = now + pause();
        guests.get(i).order(turn.at);
      }
    }
  }
}
