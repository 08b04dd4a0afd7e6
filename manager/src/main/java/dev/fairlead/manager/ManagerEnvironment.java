// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.REFUSED;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The environment variables that users of a Cocos manager know, as settings of this one. A variable
 * that is empty counts as unset; booleans are Go's. A name of ours that nobody knows, and one that
 * has no effect here, is a warning each; a value that cannot be is refused.
 */
public final class ManagerEnvironment {

  private static final String PREFIX = "MANAGER_";
  private static final String QEMU = "MANAGER_QEMU_";

  /** What the manager itself reads, without {@link #PREFIX}. */
  private static final Set<String> OWN =
      names(
          """
          LOG_LEVEL HTTP_HOST HTTP_PORT HTTP_SERVER_CERT HTTP_SERVER_KEY HTTP_TOKEN INSTANCE_ID
          HOST_IP MAX_VMS
          """);

  /** What is accepted, and checked, but serves a door that stands elsewhere or not yet. */
  private static final Set<String> IDLE =
      names(
          """
          GRPC_HOST GRPC_PORT GRPC_SERVER_CERT GRPC_SERVER_KEY GRPC_URL GRPC_TIMEOUT
          GRPC_CLIENT_CERT GRPC_CLIENT_KEY GRPC_SERVER_CA_CERTS GRPC_CLIENT_CA_CERTS
          HTTP_SERVER_CA_CERTS HTTP_CLIENT_CA_CERTS AGENT_GRPC_URL PCR_VALUES EOS_VERSION
          CORIM_SIGNING_KEY ATTESTATION_POLICY_BINARY_PATH
          """);

  /** What of {@link #QEMU} the manager itself reads. */
  private static final Set<String> QEMU_OWN =
      names(
          """
          SMP_COUNT MEMORY_SIZE HOST_FWD_1 GUEST_FWD_1 HOST_FWD_2 GUEST_FWD_2 HOST_FWD_3
          GUEST_FWD_3 HOST_FWD_AGENT GUEST_FWD_AGENT HOST_FWD_RANGE
          """);

  /** What of {@link #QEMU} is the hypervisor's affair, with the property that says the same. */
  private static final Map<String, String> QEMU_ELSEWHERE =
      Map.of(
          "BIN_PATH", "qemu",
          "ENABLE_KVM", "accelerator",
          "DISK_IMG_KERNEL_FILE", "kernel",
          "DISK_IMG_ROOTFS_FILE", "initramfs");

  /** Every further name that any Cocos manager ever read. */
  private static final Set<String> QEMU_IDLE =
      names(
          """
          USE_SUDO MACHINE CPU SMP_MAXCPUS MEMORY_SLOTS MAX_MEMORY MEM_ID OVMF_CODE_IF
          OVMF_CODE_FORMAT OVMF_CODE_UNIT OVMF_CODE_FILE OVMF_CODE_READONLY OVMF_VERSION
          OVMF_VARS_IF OVMF_VARS_FORMAT OVMF_VARS_UNIT OVMF_VARS_FILE OVMF_FILE NETDEV_ID
          VIRTIO_NET_PCI_DISABLE_LEGACY VIRTIO_NET_PCI_IOMMU_PLATFORM VIRTIO_NET_PCI_ADDR
          VIRTIO_NET_PCI_ROMFILE DISK_IMG_FILE DISK_IMG_IF DISK_IMG_ID DISK_IMG_FORMAT
          KERNEL_CMDLINE VIRTIO_SCSI_PCI_ID VIRTIO_SCSI_PCI_DISABLE_LEGACY
          VIRTIO_SCSI_PCI_IOMMU_PLATFORM TMP_FILE_LOC ENABLE_SEV SEV_ID SEV_CBITPOS
          SEV_REDUCED_PHYS_BITS ENABLE_SEV_SNP KERNEL_HASH SEV_SNP_ID SEV_SNP_CBIT_POS
          SEV_SNP_CBITPOS SEV_SNP_REDUCED_PHYS_BITS ENABLE_HOST_DATA HOST_DATA ENABLE_TDX TDX_ID
          QUOTE_GENERATION_PORT IGVM_ID IGVM_FILE LAUNCH_TCB VSOCK_ID VSOCK_GUEST_CID VSOCK_VNC
          ENABLE_DISK SRC_DISK_FILE DST_DISK_FILE DISK_ID DISK_FORMAT DISK_SCSI_ID GPU_BDF
          GPU_PCIE_ROOT_PORT GPU_PCIE_BUS GPU_FW_CFG_MMIO_MB NO_GRAPHIC MONITOR CERTS_MOUNT
          ENV_MOUNT NETDEV_TYPE VIRTIO_NET_PCI_TYPE VIRTIO_NET_PCI_NETDEV VIRTIO_SCSI_PCI_TYPE
          SCSI_HD_DRIVE DISK_DRIVE_FILE DISK_DRIVE_IF DISK_DRIVE_ID DISK_DRIVE_FORMAT
          MEMORY_ENCRYPTION_SEV0
          """);

  /** Those that must be false here: to accept them and start a plain VM would be a lie. */
  private static final Set<String> CONFIDENTIAL =
      Set.of("ENABLE_SEV", "ENABLE_SEV_SNP", "ENABLE_TDX");

  private static final Set<String> COCOS_IDLE =
      Set.of(
          "COCOS_JAEGER_URL",
          "COCOS_NOTIFICATION_SERVER_URL",
          "COCOS_MESSAGE_BROKER_URL",
          "COCOS_JAEGER_TRACE_RATIO");

  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,9})([KMGT]?)", Pattern.CASE_INSENSITIVE);
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})-(\\d{1,5})");

  private final Map<String, String> set;
  private final List<String> warnings = new ArrayList<>();

  private ManagerEnvironment(Map<String, String> set) {
    this.set = set;
  }

  /**
   * Reads an environment: all names that begin with {@code MANAGER_} or {@code COCOS_}.
   *
   * @throws ManagerException {@code REFUSED}, code {@code bad-environment}, naming the variable
   */
  public static ManagerEnvironment read(Map<String, String> environment) {
    Map<String, String> set = new TreeMap<>();
    environment.forEach(
        (name, value) -> {
          if ((name.startsWith(PREFIX) || name.startsWith("COCOS_")) && !value.isBlank()) {
            set.put(name, value.trim());
          }
        });
    ManagerEnvironment read = new ManagerEnvironment(set);
    read.check();
    return read;
  }

  /** What a person should know: one sentence a variable. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /** {@code debug}, {@code info}, {@code warn} or {@code error}, where it is set. */
  public Optional<String> logLevel() {
    return get("MANAGER_LOG_LEVEL").map(level -> level.toLowerCase(Locale.ROOT));
  }

  /** The settings, with what the environment says in place of what they say. */
  public ManagerSettings over(ManagerSettings base) {
    ManagerSettings.Http http = base.http();
    ManagerSettings.VmShape vm = base.vm();
    ManagerSettings.Ports ports = base.ports();
    int[] range = range(ports.from(), ports.to());
    return new ManagerSettings(
        base.fleet(),
        get("MANAGER_INSTANCE_ID").orElse(base.instance()),
        base.runs(),
        get("MANAGER_HOST_IP").orElse(base.hostIp()),
        number("MANAGER_MAX_VMS", 0, 100_000, base.maxVms()),
        base.grace(),
        base.endOnClose(),
        new ManagerSettings.Http(
            get("MANAGER_HTTP_HOST").orElse(http.host()),
            number("MANAGER_HTTP_PORT", 0, 65_535, http.port()),
            get("MANAGER_HTTP_TOKEN").orElse(http.token()),
            path("MANAGER_HTTP_SERVER_CERT", http.certificate()),
            path("MANAGER_HTTP_SERVER_KEY", http.key())),
        new ManagerSettings.VmShape(
            number(QEMU + "SMP_COUNT", 1, 512, vm.cpus()),
            memory(vm.memoryMib()),
            vm.channel(),
            vm.bootDeadline(),
            vm.forgetsStored(),
            vm.bundles()),
        new ManagerSettings.Ports(
            port("HOST_FWD_1", ports.firstSsh()),
            port("HOST_FWD_2", ports.firstHttp()),
            port("HOST_FWD_AGENT", port("HOST_FWD_3", ports.firstGrpc())),
            port("GUEST_FWD_1", ports.guestSsh()),
            port("GUEST_FWD_2", ports.guestHttp()),
            port("GUEST_FWD_AGENT", port("GUEST_FWD_3", ports.guestGrpc())),
            range[0],
            range[1]));
  }

  /** Go's booleans. */
  static boolean bool(String name, String value) {
    return switch (value) {
      case "1", "t", "T", "true", "TRUE", "True" -> true;
      case "0", "f", "F", "false", "FALSE", "False" -> false;
      default -> throw bad(name, "must be true or false");
    };
  }

  private void check() {
    for (String name : set.keySet()) {
      if (name.startsWith(QEMU)) {
        checkQemu(name, name.substring(QEMU.length()));
      } else if (name.startsWith(PREFIX)) {
        checkOwn(name, name.substring(PREFIX.length()));
      } else if (COCOS_IDLE.contains(name)) {
        checkUrl(name);
      }
    }
    requireBoth("MANAGER_HTTP_SERVER_CERT", "MANAGER_HTTP_SERVER_KEY");
    requireBoth("MANAGER_GRPC_SERVER_CERT", "MANAGER_GRPC_SERVER_KEY");
    number("MANAGER_GRPC_PORT", 0, 65_535, 7001);
    logLevel()
        .ifPresent(
            level -> {
              if (!Set.of("debug", "info", "warn", "error").contains(level)) {
                throw bad("MANAGER_LOG_LEVEL", "must be debug, info, warn or error");
              }
            });
  }

  private void checkOwn(String name, String plain) {
    if (IDLE.contains(plain)) {
      warnings.add(name + " is known and not used here.");
    } else if (!OWN.contains(plain)) {
      unknown(name);
    }
  }

  private void checkQemu(String name, String plain) {
    if (CONFIDENTIAL.contains(plain)) {
      if (bool(name, value(name))) {
        throw bad(
            name,
            "asks for a confidential VM, which this version cannot start: unset it, and know that the VM's memory is open to its host");
      }
    } else if (QEMU_IDLE.contains(plain)) {
      warnings.add(name + " has no effect on the VMs that are started here.");
    } else if (QEMU_ELSEWHERE.containsKey(plain)) {
      if (plain.equals("ENABLE_KVM")) {
        bool(name, value(name));
      }
      warnings.add(
          "%s has no effect here: set '%s' in the hypervisor's configuration."
              .formatted(name, QEMU_ELSEWHERE.get(plain)));
    } else if (!QEMU_OWN.contains(plain)) {
      unknown(name);
    }
  }

  private void checkUrl(String name) {
    if (value(name).matches("https?:/[^/].*")) {
      warnings.add(
          "%s is '%s', which lacks a slash after '%s'; taken as if it were there."
              .formatted(name, value(name), value(name).replaceFirst("(https?:/).*", "$1")));
    }
    warnings.add(name + " is known and not used here.");
  }

  private void unknown(String name) {
    warnings.add("%s is unknown; did you mean %s?".formatted(name, nearest(name)));
  }

  private void requireBoth(String certificate, String key) {
    if (get(certificate).isPresent() != get(key).isPresent()) {
      throw new ManagerException(
          REFUSED,
          "bad-environment",
          "%s and %s go together; only one is set: set both, or none.".formatted(certificate, key));
    }
  }

  private Optional<String> get(String name) {
    return Optional.ofNullable(set.get(name));
  }

  private String value(String name) {
    return get(name).orElse("");
  }

  private @Nullable Path path(String name, @Nullable Path absent) {
    String value = set.get(name);
    return value == null ? absent : Path.of(value);
  }

  private int port(String name, int absent) {
    return number(QEMU + name, 1, 65_535, absent);
  }

  private int number(String name, int least, int most, int absent) {
    String value = set.get(name);
    if (value == null) {
      return absent;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below, with the limits.
    }
    throw bad(name, "must be a whole number from %d to %d".formatted(least, most));
  }

  private int memory(int absent) {
    String name = QEMU + "MEMORY_SIZE";
    String value = set.get(name);
    if (value == null) {
      return absent;
    }
    Matcher matcher = SIZE.matcher(value);
    if (matcher.matches()) {
      // QEMU counts a bare number in MiB.
      long size = Long.parseLong(matcher.group(1));
      long mib =
          switch (matcher.group(2).toUpperCase(Locale.ROOT)) {
            case "K" -> size >> 10;
            case "G" -> size << 10;
            case "T" -> size << 20;
            default -> size;
          };
      if (mib >= 128 && mib <= 1 << 24) {
        return (int) mib;
      }
    }
    throw bad(name, "must be a size of at least 128M, such as 2048M or 2G");
  }

  private int[] range(int from, int to) {
    String name = QEMU + "HOST_FWD_RANGE";
    String value = set.get(name);
    if (value == null) {
      return new int[] {from, to};
    }
    Matcher matcher = RANGE.matcher(value);
    if (matcher.matches()) {
      int lowest = Integer.parseInt(matcher.group(1));
      int highest = Integer.parseInt(matcher.group(2));
      if (lowest >= 1 && lowest <= highest && highest <= 65_535) {
        return new int[] {lowest, highest};
      }
    }
    throw bad(name, "must be two ports, such as 6100-6200");
  }

  private static ManagerException bad(String name, String what) {
    return new ManagerException(REFUSED, "bad-environment", "%s %s.".formatted(name, what));
  }

  /** The known name that continues this one, else the one that takes the fewest changes. */
  static String nearest(String name) {
    Collection<String> known =
        Stream.of(
                OWN.stream().map(PREFIX::concat),
                IDLE.stream().map(PREFIX::concat),
                QEMU_OWN.stream().map(QEMU::concat),
                QEMU_ELSEWHERE.keySet().stream().map(QEMU::concat),
                QEMU_IDLE.stream().map(QEMU::concat))
            .flatMap(all -> all)
            .collect(Collectors.toCollection(TreeSet::new));
    String best = "";
    int fewest = Integer.MAX_VALUE;
    for (String candidate : known) {
      int changes = candidate.startsWith(name) ? 0 : distance(name, candidate);
      if (changes < fewest) {
        best = candidate;
        fewest = changes;
      }
    }
    return best;
  }

  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(change, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[b.length()];
  }

  private static Set<String> names(String text) {
    return Set.of(text.trim().split("\\s+"));
  }
}
