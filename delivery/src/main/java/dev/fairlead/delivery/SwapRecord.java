// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/**
 * Tells the flight recorder of a swap, where this Java has one: the guest's has not. A recorder
 * that nobody has started costs nothing.
 */
abstract class SwapRecord {

  private static final boolean RECORDER = hasRecorder();

  /** A transport is about to be opened. */
  static SwapRecord begin() {
    return RECORDER ? new Recorded() : Unrecorded.INSTANCE;
  }

  /**
   * It took over, or did not.
   *
   * @param code why it did not; empty where it did
   */
  abstract void end(String from, String to, String code);

  private static boolean hasRecorder() {
    try {
      Class.forName("jdk.jfr.Event", false, SwapRecord.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** In a class of its own: it is loaded only where there is a recorder. */
  private static final class Recorded extends SwapRecord {

    private final SwapEvent event = new SwapEvent();

    Recorded() {
      event.begin();
    }

    @Override
    void end(String from, String to, String code) {
      event.from = from;
      event.to = to;
      event.done = code.isEmpty();
      event.code = code;
      event.commit();
    }
  }

  private static final class Unrecorded extends SwapRecord {

    static final Unrecorded INSTANCE = new Unrecorded();

    @Override
    void end(String from, String to, String code) {}
  }
}
