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
 * environment: so it comes out alike each time. It is dumped twice, and left out where the two
 * differ.
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
          "-XX:+UseSerialGC",
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
    List<Path> archives = new ArrayList<>();
    for (String name : List.of("one.jsa", "two.jsa")) {
      Command.Result result = command.attempt("util-linux", words(root, inputs, isolation, name));
      Path archive = root.resolve("run").resolve(name);
      if (result.code() != 0 || !Files.isRegularFile(archive)) {
        return Outcome.leftOut(
            "Java's dump ended with " + result.code() + ": " + result.lastLine());
      }
      archives.add(archive);
    }
    return Files.mismatch(archives.get(0), archives.get(1)) < 0
        ? new Outcome(Optional.of(archives.get(0)), ImageReport.INCLUDED)
        : Outcome.leftOut("two dumps differed on this machine");
  }

  private List<String> words(Path root, ImageInputs inputs, List<String> isolation, String name)
      throws IOException {
    List<String> words = new ArrayList<>(isolation);
    words.addAll(List.of("sh", "-ec", ISOLATED, "dump", root.toString(), steady()));
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

  /** What makes a dump the same each time, as far as this user may. */
  private String steady() throws IOException {
    StringBuilder before = new StringBuilder();
    if (succeeds(List.of("chrt", "-f", "1", "true"))) {
      before.append("chrt -f 1 ");
    }
    String one = firstProcessor(Files.readString(Path.of("/proc/self/status")));
    if (succeeds(List.of("taskset", "-c", one, "true"))) {
      before.append("taskset -c ").append(one).append(' ');
    }
    return before.append("setarch -R").toString();
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
