// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What an agent finds where a guest's would find its kernel command line, its credential and its
 * memory disk: three names in the run directory, given to it by variables of its environment.
 */
final class AgentFiles {

  private static final String CMDLINE = "cmdline";
  private static final String CREDENTIAL = "credential";
  private static final String WORK = "work";
  private static final int HTTP = 9031;
  private static final int GRPC = 7002;
  private static final String DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";
  private static final Pattern FACT = Pattern.compile("[a-z0-9_.-]+=[\\x21\\x23-\\x7e]*");

  private AgentFiles() {}

  /**
   * Writes them.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-fact}
   */
  static void write(VmSpec spec, RunDirectory directory) throws IOException {
    List<String> words = new ArrayList<>();
    spec.facts().forEach((name, value) -> words.add(name + "=" + value));
    byte[] credential = spec.credential().getBytes(UTF_8);
    if (spec.channel() == SecretChannel.CMDLINE) {
      words.add(
          "fairlead.secret=" + Base64.getUrlEncoder().withoutPadding().encodeToString(credential));
    } else {
      directory.write(CREDENTIAL, credential);
    }
    for (String word : words) {
      if (!FACT.matcher(word).matches()) {
        throw new HypervisorException(
            HypervisorException.Category.REFUSED,
            "bad-fact",
            "A fact is a lower-case name with a value of printable ASCII without blanks and double"
                + " quotes; this one is not: "
                + word);
      }
    }
    directory.write(CMDLINE, (String.join(" ", words) + "\n").getBytes(UTF_8));
    new ConsoleFile(directory).create();
    Path work = directory.file(WORK);
    if (!Files.isDirectory(work)) {
      Files.createDirectory(
          work, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
  }

  /** The agent's whole environment. */
  static Map<String, String> environment(
      VmSpec spec, RunDirectory directory, Map<String, String> more) {
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", Objects.requireNonNullElse(System.getenv("PATH"), DEFAULT_PATH));
    environment.put("LANG", "C.UTF-8");
    environment.put("HOME", directory.file(WORK).toString());
    environment.putAll(more);
    environment.put("FAIRLEAD_CMDLINE_FILE", directory.file(CMDLINE).toString());
    environment.put("FAIRLEAD_CREDENTIAL_FILE", directory.file(CREDENTIAL).toString());
    environment.put("FAIRLEAD_WORK", directory.file(WORK).toString());
    for (VmSpec.Forward forward : spec.forwards()) {
      String port = String.valueOf(forward.host().getPort());
      switch (forward.guestPort()) {
        case HTTP -> environment.put("FAIRLEAD_HTTP_PORT", port);
        case GRPC -> environment.put("FAIRLEAD_GRPC_PORT", port);
        default -> {
          // Nothing of the agent listens there; a guest has other inhabitants, a process has not.
        }
      }
    }
    return environment;
  }

  /** Removes what holds the credential. */
  static void removeSecrets(RunDirectory directory) throws IOException {
    directory.remove(CREDENTIAL, CMDLINE);
  }
}
