// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

/**
 * Stands in for the agent in the guest: says what it finds there, and then does what the word
 * {@code sample=} on the kernel command line wants: {@code exit-N}, or {@code wait}.
 */
public final class SampleAgent {

  private SampleAgent() {}

  /** The entry. */
  public static void main(String[] args) throws Exception {
    say("environment " + new TreeMap<>(System.getenv()));
    say("tool option " + System.getProperty("tool.option"));
    say("java " + System.getProperty("java.vm.info"));
    say("arguments " + String.join("|", args));
    say("deployment " + Files.readString(Path.of("/app/deployment")).strip());
    say("hosts " + Files.readString(Path.of("/etc/hosts")).replace('\n', ';'));
    Path credential = Path.of("/fairlead/credential");
    say(
        Files.exists(credential)
            ? "credential %s %s"
                .formatted(Files.readString(credential), Files.getPosixFilePermissions(credential))
            : "no credential");
    say("controllers " + text("/sys/fs/cgroup/algorithm/cgroup.subtree_control"));
    say("cmdline mode " + Files.getPosixFilePermissions(Path.of("/proc/cmdline")));
    for (String word : text("/proc/cmdline").split(" ", -1)) {
      if (word.startsWith("sample.do=exit-")) {
        System.exit(Integer.parseInt(word.substring("sample.do=exit-".length())));
      }
    }
    say("waits");
    Thread.currentThread().join();
  }

  private static String text(String path) throws Exception {
    return Files.readString(Path.of(path)).strip();
  }

  private static void say(String what) {
    System.out.println("sample: " + what);
  }
}
