// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.agent.run.AlgorithmRun;
import dev.fairlead.agent.run.RunOutcome;
import java.util.function.Consumer;

/** The thread {@code fairlead-run} of one run of the algorithm. Safe for use by several threads. */
final class RunThread {

  private static final System.Logger log = System.getLogger(RunThread.class.getName());

  /** How long the end of an algorithm may take. */
  private static final long STOP_MILLIS = 30_000;

  private final AlgorithmRun run;
  private final Consumer<RunOutcome> ended;
  private final Consumer<Throwable> fatal;
  private final Thread thread;
  private volatile boolean over;

  /**
   * Makes one that does not run yet.
   *
   * @param ended called by the thread, with what became of the run
   * @param fatal called by the thread where it fails in a way that nobody foresaw
   */
  RunThread(AlgorithmRun run, Consumer<RunOutcome> ended, Consumer<Throwable> fatal) {
    this.run = run;
    this.ended = ended;
    this.fatal = fatal;
    thread = new Thread(this::execute, "fairlead-run");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void execute() {
    try {
      RunOutcome outcome = run.call();
      over = true;
      ended.accept(outcome);
    } catch (InterruptedException e) {
      log.log(WARNING, "The run's thread was interrupted; the agent ends.");
    } catch (RuntimeException | Error e) {
      fatal.accept(e);
    }
  }

  /** Has the algorithm end; does not wait for that. */
  void stop() {
    if (!over) {
      run.stop();
    }
  }

  /** Waits until the algorithm is gone, 30 s at most; not at all in the thread itself. */
  void join() throws InterruptedException {
    if (thread != Thread.currentThread()) {
      thread.join(STOP_MILLIS);
    }
  }

  /** Has the thread end, whatever it waits for. */
  void interrupt() {
    thread.interrupt();
  }
}
