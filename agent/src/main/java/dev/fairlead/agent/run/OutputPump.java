// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicLong;

/** Reads one output of an algorithm, line by line, in a thread of its own. */
final class OutputPump {

  private static final System.Logger log = System.getLogger(OutputPump.class.getName());

  private static final long LOOK_MILLIS = 250;

  /** So often in a row must nothing have come before the stream is given up. */
  private static final int LOOKS = 8;

  private final String source;
  private final Thread thread;
  private final AtomicLong passed = new AtomicLong();
  private volatile boolean passing;

  private OutputPump(
      String source, InputStream stream, LineSplitter.Lines sink, Runnable sinkFailed) {
    this.source = source;
    thread = new Thread(() -> run(stream, sink, sinkFailed), "fairlead-run-" + source);
    thread.setDaemon(true);
  }

  static OutputPump start(
      String source, InputStream stream, LineSplitter.Lines sink, Runnable sinkFailed) {
    OutputPump pump = new OutputPump(source, stream, sink, sinkFailed);
    pump.thread.start();
    return pump;
  }

  private void run(InputStream stream, LineSplitter.Lines sink, Runnable sinkFailed) {
    try (stream) {
      new LineSplitter(AlgorithmRun.MAX_LINE).read(stream, line -> pass(sink, line));
    } catch (IOException e) {
      log.log(WARNING, "Reading " + source + " of the algorithm ended early.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.log(WARNING, "What the algorithm printed on " + source + " could not be passed on.", e);
      sinkFailed.run();
    }
  }

  private void pass(LineSplitter.Lines sink, String line) throws InterruptedException {
    passing = true;
    sink.line(line);
    passing = false;
    passed.incrementAndGet();
  }

  /**
   * Waits, after the algorithm's end, until all it printed has been passed on, however long that
   * takes. A process that escaped and holds the pipe open is waited for only as long as it prints.
   */
  void await() throws InterruptedException {
    int idle = 0;
    long before = -1;
    while (true) {
      thread.join(LOOK_MILLIS);
      if (!thread.isAlive()) {
        return;
      }
      idle = !passing && passed.get() == before ? idle + 1 : 0;
      before = passed.get();
      if (idle == LOOKS) {
        log.log(WARNING, "Some process of the algorithm lives on and holds its {0} open.", source);
        return;
      }
    }
  }
}
