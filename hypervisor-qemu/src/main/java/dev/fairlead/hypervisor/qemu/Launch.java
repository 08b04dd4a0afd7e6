// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.RunDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A QEMU that was started, and answers.
 *
 * @param file as it now lies in the run directory
 */
record Launch(VmFile file, HostProcess process, Qmp qmp) {

  /** What QEMU itself says, in the run directory. */
  static final String OUTPUT = "qemu.log";

  private static final Duration GREETING = Duration.ofSeconds(10);
  private static final Duration START = Duration.ofSeconds(60);
  private static final int LOOK_EVERY_MS = 20;
  private static final int MAX_OUTPUT = 2000;
  private static final System.Logger LOG = System.getLogger(Launch.class.getName());

  /**
   * Starts QEMU and waits until its monitor greets: then all it was given has been read.
   *
   * @throws HypervisorException {@code RETRY port-taken}, {@code BROKEN}; then no process is left
   */
  static Launch run(RunDirectory directory, VmFile file, Qmp.Listener listener) {
    try {
      directory.remove(QemuCommand.PID, QemuCommand.QMP);
      new ConsoleFile(directory).create();
      Path output = directory.create(OUTPUT);
      // Written before, so that whatever happens next, the VM can be found again.
      file.write(directory);
      HostProcess process =
          HostProcess.start(file.command(), Programs.environment(), directory.path(), output);
      LOG.log(
          System.Logger.Level.INFO,
          () ->
              "%s # computation_id=%s pid=%d"
                  .formatted(
                      QemuCommand.logLine(file.command()),
                      file.computation(),
                      process.identity().pid()));
      boolean answers = false;
      try {
        VmFile known = file.with(process.identity());
        known.write(directory);
        Qmp qmp = greet(directory, process, output, listener);
        answers = true;
        return new Launch(known, process, qmp);
      } finally {
        if (!answers) {
          process.kill();
        }
      }
    } catch (IOException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "run-directory",
          "QEMU cannot be started in %s: %s".formatted(directory.path(), e.getMessage()),
          e);
    }
  }

  /** Whether QEMU ended at once because KVM does not work at all. */
  static boolean isForLackOfKvm(HypervisorException e) {
    return e.code().equals("qemu-failed")
        && String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("kvm");
  }

  /** Whether QEMU ended at once because the VM's vsock number is another's on this host. */
  static boolean isForTakenCid(HypervisorException e) {
    return e.code().equals("qemu-failed")
        && String.valueOf(e.getMessage()).contains("unable to set guest cid");
  }

  private static Qmp greet(
      RunDirectory directory, HostProcess process, Path output, Qmp.Listener listener)
      throws IOException {
    long start = System.nanoTime();
    while (true) {
      try {
        return Qmp.open(directory.file(QemuCommand.QMP), GREETING, listener);
      } catch (IOException notYet) {
        OptionalInt exit = endWithinALook(process);
        if (exit.isPresent()) {
          throw failed(exit.getAsInt(), text(output));
        }
        if (System.nanoTime() - start > START.toNanos()) {
          throw new HypervisorException(
              Category.BROKEN,
              "qemu-silent",
              "QEMU did not answer within %d s; the host may be overloaded. %s"
                  .formatted(START.toSeconds(), text(output)),
              notYet);
        }
      }
    }
  }

  private static OptionalInt endWithinALook(HostProcess process) throws IOException {
    try {
      return process.ended().get(LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return OptionalInt.empty();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while QEMU was starting", e);
    }
  }

  private static HypervisorException failed(int exit, String output) {
    if (output.contains("Could not set up host forwarding rule")) {
      return new HypervisorException(
          Category.RETRY,
          "port-taken",
          "A host port for the VM is in use; start it with others. QEMU says: " + output);
    }
    return new HypervisorException(
        Category.BROKEN,
        "qemu-failed",
        "QEMU ended at once, with code %d: %s".formatted(exit, output));
  }

  private static String text(Path output) throws IOException {
    try (InputStream in = Files.newInputStream(output)) {
      return new String(in.readNBytes(MAX_OUTPUT), StandardCharsets.UTF_8).strip();
    }
  }
}
