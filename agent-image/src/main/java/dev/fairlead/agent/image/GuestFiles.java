// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The guest's own files: busybox, the scripts that bring it up, its users, and the agent. */
final class GuestFiles {

  /** Java's archive of classes, in the guest. */
  static final String CLASS_DATA = "app/classes.jsa";

  private static final List<String> SCRIPTS = List.of("init", "init.sh", "powerdown.sh");

  /**
   * What Java is told besides where the processor is emulated. There each piece of compiled code
   * costs QEMU a new translation, so that a start is quickest with little of it; hashing and TLS,
   * however, are unbearable without a compiler. Only what is ten times as hot as usual is therefore
   * compiled, and by the first compiler alone. A real processor wants the second one too: only its
   * code uses the instructions for AES.
   */
  static final List<String> EMULATED =
      List.of("-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=10");

  /**
   * How Java runs in the guest. The heap begins at a size at which a start needs no collection or
   * two.
   */
  private static final List<String> JVM_OPTIONS =
      List.of(
          "-XX:+UseSerialGC",
          "-Xms64m",
          "-Xmn40m",
          "-XX:MaxRAMPercentage=40",
          "-XX:+ExitOnOutOfMemoryError",
          "-XX:-UsePerfData",
          "-Djava.net.preferIPv4Stack=true",
          "-Ddev.fairlead.launcher.warmup=true",
          // Java's own, named so that nobody looks for another in files and services.
          "-Djavax.xml.parsers.SAXParserFactory="
              + "com.sun.org.apache.xerces.internal.jaxp.SAXParserFactoryImpl");

  private GuestFiles() {}

  /** The busybox of this machine, which must be the static one. */
  static Path busybox() throws IOException {
    for (String place : List.of("/usr/bin/busybox", "/bin/busybox")) {
      Path busybox = Path.of(place);
      if (Files.isExecutable(busybox)) {
        // Only a dynamic program names an interpreter, in the first page of the file.
        byte[] head = new byte[4096];
        try (InputStream in = Files.newInputStream(busybox)) {
          int length = in.readNBytes(head, 0, head.length);
          if (!new String(head, 0, length, UTF_8).contains("ld-linux")) {
            return busybox.toRealPath();
          }
        }
      }
    }
    throw new ImageException(
        Category.BROKEN,
        "missing-program",
        "There is no static busybox: apt-get install -y --no-install-recommends busybox-static");
  }

  /** Java's arguments in the guest, behind {@link #EMULATED} where that applies. */
  static List<String> javaArguments(ImageInputs inputs) {
    List<String> words = new ArrayList<>(JVM_OPTIONS);
    words.add("-Xshare:auto");
    words.add("-XX:SharedArchiveFile=/" + CLASS_DATA);
    words.add("-cp");
    words.add(classPath(inputs));
    words.add(inputs.mainClass());
    words.addAll(inputs.arguments());
    return words;
  }

  static String classPath(ImageInputs inputs) {
    return String.join(
        ":", inputs.classPath().stream().map(jar -> "/app/lib/" + jar.getFileName()).toList());
  }

  /** Adds all but Java and the kernel's modules. */
  static void add(Tree tree, ImageInputs inputs, Path busybox) throws IOException {
    for (String folder :
        List.of("dev", "etc", "proc", "sys", "run", "lib/modules", "app/lib", "app/bundles")) {
      tree.folder(folder, 0755);
    }
    tree.folder("work", 0711);
    tree.folder("tmp", 01777);
    tree.folder("root", 0700);
    tree.folder("fairlead", 0700);
    // Without it the kernel gives its first program no standard output.
    tree.device("dev/console", 0600, 5, 1);
    tree.device("dev/null", 0666, 1, 3);
    tree.file("bin/busybox", 0755, busybox);
    tree.file("init", 0755, script("init"));
    tree.file("fairlead/init.sh", 0644, script("init.sh"));
    tree.file("etc/acpi/PWRF/00000080", 0755, script("powerdown.sh"));
    text(
        tree,
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nalgorithm:x:10001:10001:algorithm:/work:/bin/sh\n");
    text(tree, "etc/group", "root:x:0:\nalgorithm:x:10001:\n");
    text(tree, "etc/hosts", "127.0.0.1 localhost\n");
    text(tree, "etc/nsswitch.conf", "hosts: files\n");
    text(tree, "fairlead/java.emulated", String.join("\n", EMULATED) + "\n");
    text(tree, "fairlead/java.options", String.join("\n", javaArguments(inputs)) + "\n");
    for (Path jar : inputs.classPath()) {
      tree.file("app/lib/" + jar.getFileName(), 0644, jar);
    }
    for (Path jar : inputs.bundles()) {
      tree.file("app/bundles/" + jar.getFileName(), 0644, jar);
    }
    text(tree, "app/deployment", inputs.deployment());
  }

  /** Adds the kernel's modules, and the list that init loads them by. */
  static void addModules(Tree tree, Map<String, Path> inOrder) {
    inOrder.forEach((name, file) -> tree.file("lib/modules/" + name + ".ko", 0644, file));
    text(tree, "lib/modules/order", String.join("\n", inOrder.keySet()) + "\n");
  }

  /** What of this builder itself goes into an image. */
  static List<String> scripts() throws IOException {
    List<String> scripts = new ArrayList<>();
    for (String name : SCRIPTS) {
      scripts.add(script(name));
    }
    return scripts;
  }

  private static String script(String name) throws IOException {
    try (InputStream in = GuestFiles.class.getResourceAsStream("guest/" + name)) {
      if (in == null) {
        throw new IllegalStateException("This build lacks the guest's " + name + ".");
      }
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  private static void text(Tree tree, String path, String content) {
    tree.file(path, 0644, content);
  }
}
