// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * A process of this host that leads a session of its own: no terminal, no Ctrl-C, and no death of
 * its starter reaches it. Safe for use by several threads.
 */
public final class HostProcess {

  /** How often an adopted process, whose end nobody tells, is looked at. */
  private static final long LOOK_EVERY_MS = 200;

  private final ProcessIdentity identity;
  private final CompletableFuture<OptionalInt> ended;

  private HostProcess(ProcessIdentity identity, CompletableFuture<OptionalInt> ended) {
    this.identity = identity;
    this.ended = ended;
  }

  /**
   * Starts one: input from {@code /dev/null}, both outputs appended to a file.
   *
   * @param command program and arguments; given to no shell
   * @param environment all that it gets; nothing is inherited
   * @throws IOException when the program cannot be started
   */
  public static HostProcess start(
      List<String> command, Map<String, String> environment, Path directory, Path output)
      throws IOException {
    List<String> detached = new ArrayList<>(command.size() + 1);
    detached.add("setsid");
    detached.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(detached)
            .directory(directory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process child = builder.start();
    // A child that is dead already cannot be told apart any more; nor does it need to be.
    ProcessIdentity identity =
        ProcessIdentity.of(child.pid())
            .orElseGet(() -> new ProcessIdentity(child.pid(), -1, ProcessIdentity.hostBootId()));
    return new HostProcess(
        identity, child.onExit().thenApply(dead -> OptionalInt.of(dead.exitValue())));
  }

  /**
   * Takes up one that somebody else started.
   *
   * @param watch looks at it from time to time, until it has ended
   * @return empty when it runs no more
   */
  public static Optional<HostProcess> adopt(
      ProcessIdentity identity, ScheduledExecutorService watch) {
    if (!identity.isAlive()) {
      return Optional.empty();
    }
    CompletableFuture<OptionalInt> ended = new CompletableFuture<>();
    ScheduledFuture<?> look =
        watch.scheduleWithFixedDelay(
            () -> {
              if (!identity.isAlive()) {
                ended.complete(OptionalInt.empty());
              }
            },
            LOOK_EVERY_MS,
            LOOK_EVERY_MS,
            TimeUnit.MILLISECONDS);
    var unused = ended.whenComplete((code, never) -> look.cancel(false));
    return Optional.of(new HostProcess(identity, ended));
  }

  /** Which process it is. */
  public ProcessIdentity identity() {
    return identity;
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return !ended.isDone() && identity.isAlive();
  }

  /**
   * Its exit code, when it has ended and is reaped: 128 + N after signal N; empty where it was
   * adopted, for then nobody tells. Completes exceptionally on {@link #release()}.
   */
  public CompletableFuture<OptionalInt> ended() {
    return ended.copy();
  }

  /** Stops watching an adopted process, which goes on. A started one is reaped all the same. */
  public void release() {
    ended.cancel(false);
  }

  /** Sends SIGTERM, if it still runs. */
  public void terminate() {
    handle().ifPresent(ProcessHandle::destroy);
  }

  /** Sends SIGKILL, if it still runs. */
  public void kill() {
    handle().ifPresent(ProcessHandle::destroyForcibly);
  }

  /**
   * Sends SIGKILL to all of its session: to what it started, and what that started. While one of
   * them lives, the kernel gives the session's number to nobody else; where the number leads to a
   * process that is not this one, the session is not this one's, and is left alone.
   */
  public void killSession() {
    long session = identity.pid();
    Optional<ProcessIdentity> leader = ProcessIdentity.of(session);
    if (leader.isPresent() && !leader.get().equals(identity)) {
      return;
    }
    boolean found = true;
    // A process may start another while it is being killed; its children are looked for again.
    for (int round = 0; found && round < 100; round++) {
      List<ProcessHandle> members =
          ProcessHandle.allProcesses()
              .filter(p -> ProcessIdentity.session(p.pid()).filter(s -> s == session).isPresent())
              .toList();
      members.forEach(ProcessHandle::destroyForcibly);
      found = !members.isEmpty();
    }
  }

  private Optional<ProcessHandle> handle() {
    return isAlive() ? ProcessHandle.of(identity.pid()) : Optional.empty();
  }
}
