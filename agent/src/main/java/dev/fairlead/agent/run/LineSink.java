// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

/** Takes what an algorithm prints. Called by two threads, one per source. */
@FunctionalInterface
public interface LineSink {

  /**
   * Takes one line; blocks while there is no room for it, and so holds the algorithm back.
   *
   * @param source {@code stdout} or {@code stderr}
   * @param line without its newline; a longer line than the limit comes in pieces
   */
  void line(String source, String line) throws InterruptedException;
}
