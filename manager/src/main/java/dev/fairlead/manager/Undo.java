// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import java.util.ArrayDeque;
import java.util.Deque;

/** Undoes the steps of a start that did not succeed, the last first. */
final class Undo implements AutoCloseable {

  private final Deque<Runnable> steps = new ArrayDeque<>();

  void later(Runnable step) {
    steps.push(step);
  }

  /** The start has succeeded. */
  void forget() {
    steps.clear();
  }

  @Override
  public void close() {
    steps.forEach(Runnable::run);
    steps.clear();
  }
}
