// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a manager works.
 *
 * @param fleet first segment of all addresses
 * @param instance names this manager in its fleet, {@code [A-Za-z0-9_-]{1,58}}; null for a name
 *     that is made up once and kept beside the run directories
 * @param runs the directory that holds the VMs' run directories; made if it is not there
 * @param hostIp how others reach this host; goes into {@code agent_address}
 * @param maxVms how many VMs may run at once; 0 for no limit
 * @param grace how long a guest may take to power down when its VM is ended
 * @param endOnClose whether VMs are ended when the manager closes; otherwise they go on, and the
 *     next manager finds them
 * @param http where it listens
 * @param vm what a VM looks like
 * @param ports which host ports VMs get
 */
public record ManagerSettings(
    String fleet,
    @Nullable String instance,
    Path runs,
    String hostIp,
    int maxVms,
    Duration grace,
    boolean endOnClose,
    Http http,
    VmShape vm,
    Ports ports) {

  /**
   * Where the manager listens.
   *
   * @param host name or address; empty for loopback
   * @param port 0 for any free one
   * @param token what clients must show; null for none, and then only on loopback
   * @param certificate PEM file, null without TLS
   * @param key PEM file; goes with the certificate
   */
  public record Http(
      String host,
      int port,
      @Nullable String token,
      @Nullable Path certificate,
      @Nullable Path key) {

    /**
     * Checks that TLS is whole.
     *
     * @throws ManagerException {@code bad-settings}
     */
    public Http {
      requireNonNull(host, "host is null");
      if ((certificate == null) != (key == null)) {
        throw refuse(
            "TLS needs a certificate and a key; only the %s is set."
                .formatted(key == null ? "certificate" : "key"));
      }
      requirePort("The HTTP port", port, 0);
    }

    /** Hides the token. */
    @Override
    public String toString() {
      return "Http[host=%s, port=%d, token=%s, tls=%s]"
          .formatted(host, port, token == null ? "none" : "REDACTED", certificate != null);
    }
  }

  /**
   * What a VM looks like.
   *
   * @param cpus virtual processors, 1 to 512
   * @param memoryMib memory in MiB, 128 to 16 Ti
   * @param channel how its credential reaches the guest
   * @param bootDeadline within what time the guest must show life
   * @param forgetsStored whether its agent forgets what the transport's peer has stored, rather
   *     than what was delivered
   * @param bundles SHA-256 of newer transports' jars that its guest may take while it runs, in
   *     lower-case hex
   */
  public record VmShape(
      int cpus,
      int memoryMib,
      SecretChannel channel,
      Duration bootDeadline,
      boolean forgetsStored,
      List<String> bundles) {

    private static final int MOST_BUNDLES = 8;

    /** One whose agent forgets what was delivered, and takes no newer transport. */
    public VmShape(int cpus, int memoryMib, SecretChannel channel, Duration bootDeadline) {
      this(cpus, memoryMib, channel, bootDeadline, false, List.of());
    }

    /**
     * Checks the numbers.
     *
     * @throws ManagerException {@code bad-settings}
     */
    public VmShape {
      requireNonNull(channel, "channel is null");
      requireNonNull(bootDeadline, "bootDeadline is null");
      bundles = List.copyOf(bundles);
      if (cpus < 1 || cpus > 512 || memoryMib < 128 || memoryMib > 1 << 24) {
        throw refuse("A VM has 1 to 512 processors, and at least 128 MiB of memory.");
      }
      if (bundles.size() > MOST_BUNDLES
          || Set.copyOf(bundles).size() < bundles.size()
          || !bundles.stream().allMatch(digest -> digest.matches("[0-9a-f]{64}"))) {
        throw refuse(
            "vm.bundles is at most %d SHA-256 in lower-case hex, each of them once."
                .formatted(MOST_BUNDLES));
      }
    }
  }

  /**
   * Which host ports VMs get: the first choice where it is free, else the lowest of the range.
   *
   * @param firstSsh first choice on the host for the guest's {@code guestSsh}; 0 for none
   * @param firstHttp likewise, for the agent's HTTP
   * @param firstGrpc likewise, for the agent's gRPC
   * @param from the lowest of the range
   * @param to the highest of the range
   */
  public record Ports(
      int firstSsh,
      int firstHttp,
      int firstGrpc,
      int guestSsh,
      int guestHttp,
      int guestGrpc,
      int from,
      int to) {

    /** The public contract's. */
    public static final Ports DEFAULT = new Ports(2222, 9301, 7020, 22, 9031, 7002, 6100, 6200);

    /**
     * Checks the numbers.
     *
     * @throws ManagerException {@code bad-settings}
     */
    public Ports {
      requirePort("The first host port for ssh", firstSsh, 0);
      requirePort("The first host port for HTTP", firstHttp, 0);
      requirePort("The first host port for gRPC", firstGrpc, 0);
      requirePort("The guest's port for ssh", guestSsh, 1);
      requirePort("The guest's port for HTTP", guestHttp, 1);
      requirePort("The guest's port for gRPC", guestGrpc, 1);
      requirePort("The range's lowest port", from, 1);
      requirePort("The range's highest port", to, from);
    }
  }

  /**
   * Checks the numbers.
   *
   * @throws ManagerException {@code bad-settings}
   */
  public ManagerSettings {
    requireNonNull(runs, "runs is null");
    requireNonNull(grace, "grace is null");
    if (!fleet.matches("[A-Za-z0-9_-]{1,64}")) {
      throw refuse("The fleet's name has 1 to 64 characters of A-Z a-z 0-9 _ -.");
    }
    if (instance != null && !instance.matches("[A-Za-z0-9_-]{1,58}")) {
      throw refuse(
          "The manager's instance id (MANAGER_INSTANCE_ID) has 1 to 58 characters of A-Z a-z 0-9 _ -.");
    }
    if (hostIp.isBlank() || maxVms < 0 || grace.isNegative()) {
      throw refuse("The host's address is empty, or a number is negative.");
    }
  }

  /** The defaults, for run directories in a place. */
  public static ManagerSettings in(Path runs) {
    return new ManagerSettings(
        "fairlead",
        null,
        runs,
        "localhost",
        10,
        Duration.ofSeconds(10),
        false,
        new Http("", 9021, null, null, null),
        new VmShape(1, 512, SecretChannel.INITRD, Duration.ofSeconds(120)),
        Ports.DEFAULT);
  }

  private static void requirePort(String what, int port, int least) {
    if (port < least || port > 65_535) {
      throw refuse("%s must be from %d to 65535, but is %d.".formatted(what, least, port));
    }
  }

  private static ManagerException refuse(String sentence) {
    return new ManagerException(REFUSED, "bad-settings", sentence);
  }
}
