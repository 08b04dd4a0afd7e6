// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The guest's Java: linked from the JDK's modules, with the C library that it needs. */
final class JavaRuntime {

  /** What Felix, SCR, Configuration Admin, jnats, gRPC and the agent need. */
  static final List<String> MODULES =
      List.of(
          "java.base",
          "java.logging",
          "java.management",
          "java.naming",
          "java.net.http",
          "java.prefs",
          "java.xml",
          "jdk.crypto.ec",
          "jdk.httpserver",
          "jdk.unsupported");

  /** Where it lies in the guest. */
  static final String HOME = "opt/jre";

  private static final Set<String> LEFT_OUT =
      Set.of(
          "legal",
          "lib/jexec",
          "lib/jrt-fs.jar",
          "lib/classlist",
          // The guest trusts what its measured facts pin, and no public authority.
          "lib/security/cacerts",
          "lib/security/public_suffix_list.dat");

  /** Shared libraries, by the names under which the dynamic linker asks for them. */
  private static final List<String> LIBRARIES =
      List.of(
          "libc.so.6",
          "libdl.so.2",
          "libgcc_s.so.1",
          "libm.so.6",
          "libpthread.so.0",
          "librt.so.1",
          "libstdc++.so.6",
          "libz.so.1");

  private static final Path LINKER = Path.of("/lib64/ld-linux-x86-64.so.2");
  private static final Path LIBRARY_FOLDER = Path.of("/usr/lib/x86_64-linux-gnu");

  private JavaRuntime() {}

  /** All files of the host that {@link #link} depends on. */
  static List<Path> inputs(Path javaHome) throws IOException {
    List<Path> inputs = new ArrayList<>();
    inputs.add(javaHome.resolve("release"));
    SortedSet<Path> modules = new TreeSet<>();
    Path jmods = javaHome.resolve("jmods");
    for (String module : MODULES) {
      Path file = jmods.resolve(module + ".jmod");
      if (!Files.isRegularFile(file)) {
        throw new ImageException(
            Category.REFUSED,
            "jdk-incomplete",
            file
                + " is not there: apt-get install -y --no-install-recommends"
                + " openjdk-17-jdk-headless");
      }
      modules.add(file);
    }
    inputs.addAll(modules);
    inputs.add(library(LINKER));
    for (String name : LIBRARIES) {
      inputs.add(library(LIBRARY_FOLDER.resolve(name)));
    }
    return inputs;
  }

  private static Path library(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ImageException(
          Category.BROKEN,
          "library-missing",
          file
              + " is not there: an image is built on Debian for amd64, with libc6, libgcc-s1,"
              + " libstdc++6 and zlib1g.");
    }
    return file.toRealPath();
  }

  /** Links it into a folder that does not exist yet. */
  static void link(Path javaHome, Path target, Path work) throws IOException {
    new Command(work, Duration.ofMinutes(5))
        .run(
            "openjdk-17-jdk-headless",
            List.of(
                javaHome.resolve("bin/jlink").toString(),
                "--module-path",
                javaHome.resolve("jmods").toString(),
                "--add-modules",
                String.join(",", MODULES),
                "--strip-java-debug-attributes",
                "--no-header-files",
                "--no-man-pages",
                // Classes share their constants: a third less to unpack. Compressed ones (2) would
                // cost time at each load.
                "--compress=1",
                "--output",
                target.toAbsolutePath().toString()));
  }

  /** Puts a linked one into the guest. */
  static void add(Tree tree, Path linked) throws IOException {
    try (Stream<Path> walk = Files.walk(linked)) {
      for (Path file : (Iterable<Path>) walk::iterator) {
        String path = linked.relativize(file).toString();
        if (Files.isRegularFile(file) && !leftOut(path)) {
          boolean program = path.startsWith("bin/") || path.equals("lib/jspawnhelper");
          tree.file(HOME + "/" + path, program ? 0755 : 0644, file);
        }
      }
    }
    tree.file("lib64/ld-linux-x86-64.so.2", 0755, library(LINKER));
    for (String name : LIBRARIES) {
      tree.file("lib/x86_64-linux-gnu/" + name, 0644, library(LIBRARY_FOLDER.resolve(name)));
    }
  }

  private static boolean leftOut(String path) {
    for (String out : LEFT_OUT) {
      if (path.equals(out) || path.startsWith(out + "/")) {
        return true;
      }
    }
    return false;
  }
}
