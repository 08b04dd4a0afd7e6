// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What VM is wanted.
 *
 * @param computation its name, {@code [A-Za-z0-9_-]{1,64}}
 * @param runDirectory where everything about it shall lie
 * @param cpus virtual processors, at least 1
 * @param memoryMib memory in MiB, at least 128
 * @param facts public facts for the guest, by name. A name holds a dot (one without becomes an
 *     environment variable of the guest's init); a value is printable ASCII without blanks and
 *     double quotes. They are measured, and visible to every user of the host
 * @param channel the way in which the credential reaches the guest
 * @param credential the credential's content: a secret
 * @param forwards host ports that lead to ports of the guest
 * @param endpoints what the guest may connect to, and nothing else, as this host calls it: {@code
 *     tls://broker:4222}; resolved when it does. One of scheme {@code vsock}, {@code
 *     vsock://2:9998}, gives the VM a {@link VmChannel}
 * @param bootDeadline how long the guest may stay without any sign of life; positive
 */
public record VmSpec(
    String computation,
    Path runDirectory,
    int cpus,
    int memoryMib,
    SortedMap<String, String> facts,
    SecretChannel channel,
    String credential,
    List<Forward> forwards,
    List<URI> endpoints,
    Duration bootDeadline) {

  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** How a secret reaches the guest. */
  public enum SecretChannel {
    /** In a cpio joined to the initrd: measured with it, not visible in the process list. */
    INITRD,
    /** On the kernel command line: visible to every user of the host. */
    CMDLINE,
    /** Through QEMU's fw_cfg device: not measured. */
    FW_CFG
  }

  /**
   * A host port that leads to a port of the guest.
   *
   * @param host the address on the host; its port is in use by nobody
   * @param guestPort 1 to 65535
   */
  public record Forward(InetSocketAddress host, int guestPort) {}

  /**
   * Checks what can be checked here.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-spec}
   */
  public VmSpec {
    requireNonNull(runDirectory, "runDirectory is null");
    requireNonNull(channel, "channel is null");
    requireNonNull(credential, "credential is null");
    requireNonNull(bootDeadline, "bootDeadline is null");
    if (!ID.matcher(computation).matches()) {
      throw refuse("A VM's name has 1 to 64 characters of A-Z a-z 0-9 _ -.");
    }
    if (cpus < 1 || memoryMib < 128) {
      throw refuse("A VM needs at least 1 processor and 128 MiB.");
    }
    if (bootDeadline.isNegative() || bootDeadline.isZero()) {
      throw refuse("A VM's boot deadline is positive.");
    }
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
    forwards = List.copyOf(forwards);
    endpoints = List.copyOf(endpoints);
  }

  /** Hides the credential. */
  @Override
  public String toString() {
    return "VmSpec[computation=%s, runDirectory=%s, cpus=%d, memoryMib=%d, facts=%s]"
        .formatted(computation, runDirectory, cpus, memoryMib, facts);
  }

  private static HypervisorException refuse(String sentence) {
    return new HypervisorException(
        HypervisorException.Category.REFUSED, "bad-spec", sentence, null);
  }
}
