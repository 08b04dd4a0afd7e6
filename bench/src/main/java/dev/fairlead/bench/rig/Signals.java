// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import java.io.IOException;

/** Sends what Java has no words for. */
public final class Signals {

  private Signals() {}

  /** Stops a process where it stands: SIGSTOP. */
  public static void stop(long pid) throws IOException, InterruptedException {
    send("-STOP", pid);
  }

  /** Lets a stopped process go on: SIGCONT. */
  public static void resume(long pid) throws IOException, InterruptedException {
    send("-CONT", pid);
  }

  private static void send(String signal, long pid) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("kill", signal, Long.toString(pid))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (kill.waitFor() != 0) {
      throw new IOException("kill %s %d failed".formatted(signal, pid));
    }
  }
}
