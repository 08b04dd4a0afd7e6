// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Java's archive of classes. It is dumped inside the guest's own files, since it holds their paths
 * and times, on one processor, in real time priority, without a compiler, address randomisation or
 * environment: so it comes out alike each time. It is dumped until one came twice, five times at
 * most, and left out where none did.
 *
 * <p>Of the whole build only this wants root: for mounts, for chroot, for the priority. Another
 * user gets the first two from a user namespace where the kernel permits it, and does without the
 * third.
 */
final class ClassData {

  private static final List<String> DETERMINISTIC =
      List.of(
          "-Xint",
          "-XX:+UnlockExperimentalVMOptions",
          "-XX:hashCode=2",
          "-XX:+UseG1GC",
          "-Xms128m",
          "-Xmx128m");

  /** Arguments: the guest's files, a command that comes before chroot, and Java's arguments. */
  private static final String ISOLATED =
      """
      root=$1; before=$2; shift 2
      mount --make-rprivate /
      mount --rbind /proc "$root/proc"
      mount --rbind /dev "$root/dev"
      exec $before chroot "$root" /bin/busybox env -i /opt/jre/bin/java "$@"
      """;

  private static final int MOST_DUMPS = 5;
  private static final String WITHOUT_PRIORITY =
      "; made without real time priority, so that another build may differ (build as root)";
  private static final String UNSTEADY =
      "; not all dumps were alike on this busy machine, so that another build may differ";

  private final Path work;
  private final Command command;

  ClassData(Path work) {
    this.work = work;
    this.command = new Command(work, Duration.ofMinutes(3));
  }

  /**
   * An archive, or why there is none.
   *
   * @param sentence {@link ImageReport#INCLUDED}, or the reason
   */
  record Outcome(Optional<Path> archive, String sentence) {

    static Outcome leftOut(String reason) {
      return new Outcome(Optional.empty(), "left out: " + reason);
    }
  }

  /** How this user can isolate the dump; the empty list when there is no way. */
  List<String> isolation() throws IOException {
    for (List<String> words : List.of(List.of("unshare", "-m"), List.of("unshare", "-r", "-m"))) {
      List<String> probe = new ArrayList<>(words);
      probe.addAll(List.of("sh", "-c", "mount --make-rprivate / && chroot / true"));
      if (succeeds(probe)) {
        return words;
      }
    }
    return List.of();
  }

  /** Dumps the archive for the given files of the guest. */
  Outcome dump(Tree tree, ImageInputs inputs, List<String> isolation) throws IOException {
    if (isolation.isEmpty()) {
      return Outcome.leftOut(
          "this user may neither mount nor chroot; build as root, or permit user namespaces");
    }
    Path root = work.resolve("root");
    Files.createDirectories(root);
    tree.layOut(root);
    Files.writeString(root.resolve("run/classes.txt"), ClassList.make(inputs, jdkClasses()));
    boolean realTime = succeeds(List.of("chrt", "-f", "1", "true"));
    String steady = (realTime ? "chrt -f 1 " : "chrt -b 0 ") + oneProcessor() + "setarch -R";
    List<Path> archives = new ArrayList<>();
    for (int i = 0; i < MOST_DUMPS; i++) {
      String name = "classes-%d.jsa".formatted(i);
      Command.Result result =
          command.attempt("util-linux", words(root, inputs, isolation, steady, name));
      Path archive = root.resolve("run").resolve(name);
      if (result.code() != 0 || !Files.isRegularFile(archive)) {
        return Outcome.leftOut(
            "Java's dump ended with " + result.code() + ": " + result.lastLine());
      }
      for (Path earlier : archives) {
        if (Files.mismatch(earlier, archive) < 0) {
          String doubt = realTime ? (i == 1 ? "" : UNSTEADY) : WITHOUT_PRIORITY;
          return new Outcome(Optional.of(archive), ImageReport.INCLUDED + doubt);
        }
      }
      archives.add(archive);
    }
    return Outcome.leftOut("the dumps differed on this machine");
  }

  private static List<String> words(
      Path root, ImageInputs inputs, List<String> isolation, String steady, String name) {
    List<String> words = new ArrayList<>(isolation);
    words.addAll(List.of("sh", "-ec", ISOLATED, "dump", root.toString(), steady));
    words.addAll(DETERMINISTIC);
    words.addAll(
        List.of(
            "-Xshare:dump",
            "-XX:SharedClassListFile=/run/classes.txt",
            "-XX:SharedArchiveFile=/run/" + name,
            "-cp",
            GuestFiles.classPath(inputs)));
    return words;
  }

  private String oneProcessor() throws IOException {
    String one = firstProcessor(Files.readString(Path.of("/proc/self/status")));
    return succeeds(List.of("taskset", "-c", one, "true")) ? "taskset -c " + one + " " : "";
  }

  /** The first processor that this process may use, from its status file. */
  static String firstProcessor(String status) {
    Matcher matcher =
        Pattern.compile("^Cpus_allowed_list:\\s*(\\d+)", Pattern.MULTILINE).matcher(status);
    return matcher.find() ? matcher.group(1) : "0";
  }

  private boolean succeeds(List<String> words) throws IOException {
    try {
      return command.attempt("util-linux", words).code() == 0;
    } catch (ImageException e) {
      // A program that is not there is a way that does not work.
      return false;
    }
  }

  /** The list that is part of this build. */
  static List<String> jdkClasses() throws IOException {
    try (InputStream in = ClassData.class.getResourceAsStream("classes.txt")) {
      if (in == null) {
        throw new IllegalStateException("This build lacks its list of classes.");
      }
      return new String(in.readAllBytes(), UTF_8).lines().toList();
    }
  }
}
