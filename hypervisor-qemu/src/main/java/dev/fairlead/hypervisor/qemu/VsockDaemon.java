// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.GuestSocket;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.hypervisor.host.RunDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The program that is a VM's vsock device. Like QEMU it leads a session of its own and outlives the
 * manager; it serves one QEMU after another. It is found again by its command, which holds the run
 * directory, so that nothing has to be written down between its start and its being known.
 *
 * @param process as it runs
 */
record VsockDaemon(HostProcess process) {

  /** What it says, in the run directory. */
  static final String OUTPUT = "vsock.log";

  private static final Path SOCKETS = Path.of("/proc/net/unix");

  /** In the kernel's table: a socket that accepts. */
  private static final String LISTENS = " 00010000 ";

  private static final Duration START = Duration.ofSeconds(20);
  private static final int LOOK_EVERY_MS = 10;
  private static final int MAX_OUTPUT = 2000;

  /**
   * Starts it, and waits until QEMU can connect.
   *
   * @throws HypervisorException {@code BROKEN}, code {@code vsock-failed}; then no process is left
   */
  static VsockDaemon start(Vsock vsock, RunDirectory directory) {
    try {
      directory.remove(Vsock.SOCKET, GuestSocket.NAME);
      Path output = new ConsoleFile(directory, OUTPUT).create();
      HostProcess process =
          HostProcess.start(vsock.daemon(), Programs.environment(), directory.path(), output);
      boolean listens = false;
      try {
        await(process, directory.file(Vsock.SOCKET), output);
        listens = true;
        return new VsockDaemon(process);
      } finally {
        if (!listens) {
          process.kill();
        }
      }
    } catch (IOException e) {
      throw failed(String.valueOf(e.getMessage()), e);
    }
  }

  /** Finds one that runs. */
  static Optional<VsockDaemon> find(Vsock vsock, ScheduledExecutorService watch) {
    return ProcessIdentity.running(vsock.daemon())
        .flatMap(identity -> HostProcess.adopt(identity, watch))
        .map(VsockDaemon::new);
  }

  private static void await(HostProcess process, Path socket, Path output) throws IOException {
    long start = System.nanoTime();
    // Not by connecting: it would take that for QEMU.
    while (!isListening(socket)) {
      if (hasEndedWithinALook(process)) {
        throw failed("it ended at once: " + text(output), null);
      }
      if (System.nanoTime() - start > START.toNanos()) {
        throw failed(
            "it did not listen within %d s: %s".formatted(START.toSeconds(), text(output)), null);
      }
    }
  }

  static boolean isListening(Path socket) throws IOException {
    try (Stream<String> lines = Files.lines(SOCKETS, StandardCharsets.ISO_8859_1)) {
      String path =
          new String(
              socket.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      return lines.anyMatch(line -> line.contains(LISTENS) && line.endsWith(" " + path));
    }
  }

  private static boolean hasEndedWithinALook(HostProcess process) throws IOException {
    try {
      process.ended().get(LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while the vsock device was starting", e);
    }
  }

  private static String text(Path output) throws IOException {
    try (InputStream in = Files.newInputStream(output)) {
      return new String(in.readNBytes(MAX_OUTPUT), StandardCharsets.UTF_8).strip();
    }
  }

  private static HypervisorException failed(String why, @Nullable Throwable cause) {
    return new HypervisorException(
        Category.BROKEN, "vsock-failed", "The VM's vsock device cannot be started: " + why, cause);
  }
}
