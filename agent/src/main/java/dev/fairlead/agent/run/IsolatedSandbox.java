// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.spi.AlgorithmKind.AlgorithmCommand;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The sandbox of the guest. Each run has a user of its own, a control group of its own (memory,
 * processes), a tmpfs of limited size as working directory, and its own mount, pid, network, IPC
 * and host name namespaces. The file tree it sees is made for it: some read-only directories, a few
 * devices, its own {@code /proc} without the command line, and {@code /work}. It has no network,
 * and no sockets of other kinds: see {@link SocketFilter}.
 *
 * <p>Needs root, busybox and cgroup2; runs nothing but busybox and that filter.
 */
public final class IsolatedSandbox implements Sandbox {

  private static final System.Logger log = System.getLogger(IsolatedSandbox.class.getName());

  /** The first of the users that runs get; nobody else has such a number. */
  private static final int FIRST_USER = 20_000;

  private static final List<String> REQUIRED =
      List.of("memory.max", "memory.oom.group", "pids.max");

  private static final int USERS = 10_000;

  /** The sandbox's own processes in the control group, beside the algorithm's. */
  private static final int OWN_PROCESSES = 4;

  /**
   * The most files, directories and links of a run: each takes memory that is not its content's.
   */
  private static final int FILES = ResultArchive.MAX_ENTRIES + 1000;

  private static final long COMMAND_SECONDS = 30;

  private final Settings settings;
  private final String script;
  private final byte[] filter;
  private final AtomicInteger runs = new AtomicInteger();

  /**
   * Where things are.
   *
   * @param runs the directory under which the cells are made; for root only
   * @param busybox its absolute path, the same inside of the cell: it must lie in {@code shown}
   * @param cgroup an own directory in a cgroup2 file system; made when absent
   * @param shown directories of the machine that algorithms may read
   * @param limitsRequired whether a machine without the memory and pids controllers is refused
   */
  public record Settings(
      Path runs, Path busybox, Path cgroup, List<Path> shown, boolean limitsRequired) {

    /** Takes a copy. */
    public Settings {
      shown = List.copyOf(shown);
    }
  }

  /**
   * Makes one.
   *
   * @throws IOException when the machine offers less than is needed; the message says what
   */
  public IsolatedSandbox(Settings settings) throws IOException {
    this.settings = settings;
    this.filter = SocketFilter.program();
    try (InputStream in = IsolatedSandbox.class.getResourceAsStream("cell.sh")) {
      if (in == null) {
        throw new IOException("cell.sh is not in the agent's jar.");
      }
      script = new String(in.readAllBytes(), UTF_8);
    }
    if (!Files.isExecutable(settings.busybox())) {
      throw new IOException(settings.busybox() + " is no program; the sandbox needs busybox.");
    }
    Files.createDirectories(settings.runs());
    delegate(settings.cgroup().getParent());
    Files.createDirectories(settings.cgroup());
    delegate(settings.cgroup());
    if (settings.limitsRequired()) {
      String here = Files.readString(settings.cgroup().resolve("cgroup.subtree_control"));
      for (String controller : List.of("memory", "pids")) {
        if (!List.of(here.trim().split(" ", -1)).contains(controller)) {
          throw new IOException(
              "%s has no %s controller; mount cgroup2 with it."
                  .formatted(settings.cgroup(), controller));
        }
      }
    }
  }

  /**
   * Takes from all users of this machine what could help to leave a cell: user namespaces and the
   * kernel's log, which holds the command line. For a machine that is the agent's alone.
   */
  public static void harden() {
    Map<String, String> wanted =
        Map.of(
            "user/max_user_namespaces", "0",
            "kernel/dmesg_restrict", "1",
            "kernel/kptr_restrict", "2");
    wanted.forEach(
        (name, value) -> {
          try {
            Files.writeString(Path.of("/proc/sys", name), value);
          } catch (IOException e) {
            log.log(WARNING, "Setting " + name + " to " + value + " failed.", e);
          }
        });
  }

  /** Gives the controllers to the children of a group, as far as there are any. */
  private static void delegate(@Nullable Path group) {
    for (String controller : List.of("+memory", "+pids", "+cpu")) {
      try {
        if (group != null) {
          Files.writeString(group.resolve("cgroup.subtree_control"), controller);
        }
      } catch (IOException e) {
        log.log(INFO, "{0} does not take {1}: {2}", group, controller, e.getMessage());
      }
    }
  }

  @Override
  public String name() {
    return "isolated";
  }

  @Override
  public Cell open(String name, RunLimits limits) throws IOException {
    int user = FIRST_USER + Math.floorMod(runs.getAndIncrement(), USERS);
    IsolatedCell cell =
        new IsolatedCell(
            settings.runs().resolve(name), settings.cgroup().resolve(name), user, limits);
    try {
      cell.build();
    } catch (IOException | RuntimeException e) {
      cell.close();
      throw e;
    }
    return cell;
  }

  private void busybox(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(settings.busybox().toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.redirectInput(Path.of("/dev/null").toFile());
    Process process = builder.start();
    try {
      String said = new String(process.getInputStream().readNBytes(4096), UTF_8).trim();
      if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException("busybox " + String.join(" ", arguments) + " failed: " + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while busybox " + arguments[0] + " was running.", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private final class IsolatedCell implements Cell {

    private final Path base;
    private final Path work;
    private final Path root;
    private final Path confine;
    private final Path cgroup;
    private final int user;
    private final RunLimits limits;
    private boolean mounted;
    private @Nullable IsolatedRunning running;

    IsolatedCell(Path base, Path cgroup, int user, RunLimits limits) {
      this.base = base;
      this.work = base.resolve("work");
      this.root = base.resolve("root");
      this.confine = base.resolve("confine");
      this.cgroup = cgroup;
      this.user = user;
      this.limits = limits;
    }

    void build() throws IOException {
      Files.createDirectories(work);
      Files.createDirectories(root);
      Files.write(confine, filter);
      Files.setPosixFilePermissions(confine, PosixFilePermissions.fromString("r-xr-xr-x"));
      String options =
          "size=%d,nr_inodes=%d,nosuid,nodev,mode=700".formatted(limits.diskBytes(), FILES);
      busybox("mount", "-t", "tmpfs", "-o", options, "work", work.toString());
      mounted = true;
      Files.createDirectories(cgroup);
      limit("memory.max", Long.toString(limits.memoryBytes()));
      limit("memory.swap.max", "0");
      limit("memory.oom.group", "1");
      limit("cpu.weight", "50");
      limit("pids.max", Integer.toString(limits.processes() + OWN_PROCESSES));
    }

    private void limit(String file, String value) throws IOException {
      Path path = cgroup.resolve(file);
      if (Files.exists(path)) {
        Files.writeString(path, value);
      } else if (settings.limitsRequired() && REQUIRED.contains(file)) {
        throw new IOException(path + " is missing; the kernel lacks this limit.");
      }
    }

    @Override
    public Path directory() {
      return work;
    }

    @Override
    public Running start(AlgorithmCommand command) throws IOException {
      FileTrees.handOver(work, user);
      String busybox = settings.busybox().toString();
      List<String> words = new ArrayList<>();
      // The control group is entered before the namespaces, so that nothing runs outside of it.
      words.addAll(
          List.of(
              busybox,
              "sh",
              "-c",
              "echo 0 > \"$1/cgroup.procs\" && shift && exec \"$@\"",
              "cell",
              cgroup.toString()));
      words.addAll(List.of(busybox, "unshare", "-m", "-u", "-i", "-n", "-p", "-f"));
      words.addAll(List.of(busybox, "sh", "-c", script, "cell", busybox));
      words.addAll(List.of(root.toString(), work.toString(), confine.toString()));
      words.add(Integer.toString(user));
      words.add(Integer.toString(limits.processes()));
      words.add(String.join(":", settings.shown().stream().map(Path::toString).toList()));
      words.addAll(command.command());
      ProcessBuilder builder = new ProcessBuilder(words);
      builder.directory(Path.of("/").toFile());
      Map<String, String> environment = builder.environment();
      environment.clear();
      environment.put("PATH", "/usr/bin:/bin");
      environment.put("HOME", "/work");
      environment.putAll(command.environment());
      builder.redirectInput(Path.of("/dev/null").toFile());
      running = new IsolatedRunning(builder.start(), cgroup);
      return running;
    }

    @Override
    public void close() {
      if (running != null) {
        running.kill();
      }
      removeGroup();
      if (mounted) {
        try {
          busybox("umount", work.toString());
        } catch (IOException e) {
          log.log(WARNING, "A run's disk is still in use; it goes when it no longer is.", e);
          try {
            busybox("umount", "-l", work.toString());
          } catch (IOException again) {
            log.log(WARNING, "A run's disk stays mounted.", again);
          }
        }
        mounted = false;
      }
      FileTrees.delete(base);
    }

    /** The kernel empties a group some moments after the kill, and offers nothing to wait on. */
    private void removeGroup() {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(COMMAND_SECONDS);
      while (Files.exists(cgroup)) {
        try {
          Files.deleteIfExists(cgroup);
        } catch (IOException e) {
          if (System.nanoTime() > end) {
            log.log(WARNING, "A run's control group could not be removed.", e);
            return;
          }
          java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
      }
    }
  }

  private record IsolatedRunning(Process process, Path cgroup) implements Running {

    @Override
    public InputStream stdout() {
      return process.getInputStream();
    }

    @Override
    public InputStream stderr() {
      return process.getErrorStream();
    }

    @Override
    public int await() throws InterruptedException {
      return process.waitFor();
    }

    @Override
    public Optional<String> limitHit() {
      try {
        for (String line : Files.readAllLines(cgroup.resolve("memory.events"))) {
          if (line.startsWith("oom_kill ") && !line.equals("oom_kill 0")) {
            return Optional.of("It needed more memory than it may use.");
          }
        }
      } catch (IOException e) {
        log.log(INFO, "Nothing is known of memory limits: {0}", e.getMessage());
      }
      return Optional.empty();
    }

    @Override
    public void kill() {
      try {
        Files.writeString(cgroup.resolve("cgroup.kill"), "1");
      } catch (IOException e) {
        // An older kernel, or a group that is gone: the first process takes the others with it.
        log.log(INFO, "{0} cannot be killed as a whole: {1}", cgroup, e.getMessage());
        process.children().forEach(ProcessHandle::destroyForcibly);
      }
      process.toHandle().destroyForcibly();
    }
  }
}
