// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import java.io.IOException;
import java.nio.file.Path;

/**
 * {@code java dev.fairlead.launcher.Main DEPLOYMENT STORAGE [LEVEL]}: starts a deployment and waits
 * for its end. Exit status: 0 when the framework was stopped, 1 when it does not start, 2 for bad
 * arguments.
 */
public final class Main {

  private Main() {}

  /** The entry. */
  public static void main(String[] args) throws InterruptedException {
    if (args.length < 2 || args.length > 3) {
      System.err.println("usage: DEPLOYMENT STORAGE [debug|info|warn|error]");
      System.exit(2);
    }
    Warmup.begin();
    JsonLines.install(args.length == 3 ? args[2] : "info");
    Launcher launcher;
    try {
      launcher = new Launcher(Deployment.read(Path.of(args[0])), Path.of(args[1]));
      Runtime.getRuntime().addShutdownHook(new Thread(launcher::close, "fairlead-shutdown"));
      launcher.start();
    } catch (IOException e) {
      System.err.println(e.getMessage());
      System.exit(1);
      return;
    }
    launcher.awaitStop();
  }
}
