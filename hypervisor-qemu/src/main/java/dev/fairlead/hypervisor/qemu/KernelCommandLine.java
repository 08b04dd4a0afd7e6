// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Composes the guest's kernel command line: the base, the public facts in the order of their names,
 * {@code fairlead.hosts}, and, only where the credential goes that way, {@code fairlead.secret}.
 */
final class KernelCommandLine {

  /** The kernel takes this many bytes whole; with one more it hangs in early boot, silently. */
  static final int MAX_BYTES = 2047;

  /** No fact may be named so. */
  static final String SECRET = "fairlead.secret";

  private static final String HOSTS = "fairlead.hosts";
  // quiet keeps the line itself, and so the facts, off the console; with panic=-1 a panic is a
  // reset, which -no-reboot turns into an end.
  // lpj, how long a loop of the kernel takes, it would else find out itself for each processor, and
  // emulated that takes it a second for the second one, in vain. The number is that of 5 GHz: on a
  // slower clock, delays are longer than they need be, never shorter.
  private static final String BASE = "console=ttyS0 quiet panic=-1 lpj=20000000";
  private static final Pattern FACT = Pattern.compile("[a-z0-9_-]+(\\.[a-z0-9_-]+)+");
  private static final Pattern VALUE = Pattern.compile("[\\x21\\x23-\\x7e]*");

  private KernelCommandLine() {}

  /**
   * Composes one.
   *
   * @param hosts names that the guest knows, each with its address
   * @param secret the credential, where it goes this way
   * @throws HypervisorException {@code REFUSED}, codes {@code bad-fact}, {@code cmdline-too-long}
   */
  static String compose(
      SortedMap<String, String> facts, Map<String, String> hosts, Optional<byte[]> secret) {
    StringJoiner factWords = new StringJoiner(" ");
    facts.forEach((name, value) -> factWords.add(word(name, value)));
    String hostWord =
        hosts.isEmpty()
            ? ""
            : HOSTS
                + "="
                + hosts.entrySet().stream()
                    .map(host -> host.getKey() + ":" + host.getValue())
                    .collect(Collectors.joining(","));
    String secretWord =
        secret
            .map(s -> SECRET + "=" + Base64.getUrlEncoder().withoutPadding().encodeToString(s))
            .orElse("");
    String line =
        (BASE + " " + factWords + " " + hostWord + " " + secretWord)
            .replaceAll(" {2,}", " ")
            .stripTrailing();
    int bytes = line.getBytes(UTF_8).length;
    if (bytes > MAX_BYTES) {
      throw new HypervisorException(
          HypervisorException.Category.REFUSED,
          "cmdline-too-long",
          ("The guest's kernel command line would have %d bytes, and the kernel hangs beyond %d:"
                  + " %d of base, %d of facts (%s), %d of hosts, %d of credential."
                  + " Permit fewer transports, or choose the channel initrd.")
              .formatted(
                  bytes,
                  MAX_BYTES,
                  BASE.length(),
                  factWords.length(),
                  facts.entrySet().stream()
                      .map(f -> f.getKey() + " " + (f.getKey() + f.getValue()).length())
                      .collect(Collectors.joining(", ")),
                  hostWord.length(),
                  secretWord.length()));
    }
    return line;
  }

  private static String word(String name, String value) {
    if (!FACT.matcher(name).matches() || name.equals(SECRET) || name.equals(HOSTS)) {
      throw refuse(
          "A fact is named in lower-case letters with a dot, and not fairlead.secret or"
              + " fairlead.hosts; this one is: "
              + name);
    }
    if (!VALUE.matcher(value).matches()) {
      throw refuse(
          "The value of %s must be printable ASCII without blanks and double quotes."
              .formatted(name));
    }
    return name + "=" + value;
  }

  private static HypervisorException refuse(String sentence) {
    return new HypervisorException(HypervisorException.Category.REFUSED, "bad-fact", sentence);
  }
}
