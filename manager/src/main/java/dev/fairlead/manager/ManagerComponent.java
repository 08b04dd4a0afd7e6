// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonServer;
import dev.fairlead.http.Pem;
import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Forget;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.TransportProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Runs a manager as configured. Which hypervisor, transport and issuer it uses is chosen by the
 * properties {@code hypervisor.target}, {@code transport.target} and {@code issuer.target}, each a
 * filter over {@code name}, or over {@code transport.name}.
 */
@Component(
    service = {ManagerComponent.class, LinkHolder.class},
    immediate = true,
    configurationPid = "dev.fairlead.manager",
    configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class ManagerComponent implements LinkHolder {

  private static final System.Logger LOG = System.getLogger(ManagerComponent.class.getName());
  private static final int HTTP_WORKERS = 32;
  private static final int HTTP_FOLLOWERS = 16;

  /** What may be configured. Variables of the environment go before it, if they are read. */
  public @interface Config {
    /** First segment of all addresses. */
    String fleet() default "fairlead";

    /** The manager's name in the fleet; empty: made up once, and kept. */
    String instance() default "";

    /** The directory of the VMs' run directories. */
    String runs();

    /** How others reach this host. */
    String host_ip() default "localhost";

    /** Whether variables {@code MANAGER_…} are read. */
    boolean environment() default true;

    /** {@code end} ends the VMs when the manager closes; {@code release} lets them run on. */
    String on_close() default "release";

    /** Where the HTTP API listens; empty: loopback. */
    String http_host() default "";

    /** The HTTP API's port. */
    int http_port() default 9021;

    /** What clients must show; empty: nothing, and then only on loopback. */
    String http_token() default "";

    /** PEM file of the HTTP API; empty: no TLS. */
    String http_certificate() default "";

    /** PEM file that goes with it. */
    String http_key() default "";

    /** How many VMs may run at once; 0: any number. */
    int vms_max() default 10;

    /** How long a guest may take to power down, in seconds. */
    int vms_grace() default 10;

    /** Virtual processors of a VM. */
    int vm_cpus() default 2;

    /** Memory of a VM, in MiB. */
    int vm_memory() default 512;

    /** How a credential reaches the guest: {@code initrd}, {@code cmdline} or {@code fw_cfg}. */
    String vm_channel() default "initrd";

    /** Within how many seconds a guest must show life. */
    int vm_boot() default 120;

    /**
     * The level at which agents forget: {@code delivered}, or {@code stored} where the transport's
     * peer is set to store events and lines.
     */
    String vm_forget() default "delivered";

    /**
     * SHA-256 of newer transports' jars that guests may take while they run, with commas between
     * them; at most 8. Empty: none.
     */
    String vm_bundles() default "";

    /** First choice of a host port for ssh; 0: none. */
    int ports_ssh() default 2222;

    /** First choice of a host port for the agent's HTTP; 0: none. */
    int ports_http() default 9301;

    /** First choice of a host port for the agent's gRPC; 0: none. */
    int ports_grpc() default 7020;

    /** Lowest of the further host ports. */
    int ports_from() default 6100;

    /** Highest of the further host ports. */
    int ports_to() default 6200;

    /**
     * Name of the transport on which the manager speaks while it is connected; empty: any. It
     * listens on all.
     */
    String transport() default "";

    /** Where that transport connects; not needed where an issuer is in this process. */
    String endpoint() default "";

    /** The CA of the endpoint: SHA-256 of its DER form; empty: the platform's trust. */
    String ca_sha256() default "";

    /** The file with the manager's credential; not needed where an issuer is in this process. */
    String credential_file() default "";

    /** Whether VMs connect through this host's relay, and not as the registry says. */
    boolean relay() default false;

    /** How long a credential lives that an issuer in this process issues, in seconds. */
    long credential_lifetime() default 86_400;
  }

  private final ManagerLink link;
  private final Admissions admissions = new Admissions();
  private final Guests guests;
  private final Manager manager;
  private final JsonServer server;
  private final OwnLinks links;
  private volatile @Nullable LegacyCounts legacy;

  /**
   * Opens the run directories, finds VMs again, and listens.
   *
   * @throws ManagerException for settings that cannot be
   * @throws dev.fairlead.transport.api.TransportException for a {@code vm.forget} that cannot be
   * @throws HttpProblem when it cannot listen
   */
  @Activate
  public ManagerComponent(Config config, @Reference(name = "hypervisor") Hypervisor hypervisor) {
    TransportSettings given =
        new TransportSettings(
            blankToNull(config.endpoint()),
            blankToNull(config.ca_sha256()),
            path(config.credential_file()));
    String first = config.transport().trim();
    ManagerSettings own = settings(config, config.environment() ? System.getenv() : Map.of());
    guests = new Guests(config.relay());
    RunDirectories directories = RunDirectories.open(own.runs());
    try (Undo undo = new Undo()) {
      undo.later(directories::close);
      String instance = directories.instance(own.instance());
      link = new ManagerLink(own.fleet(), instance, first);
      undo.later(link::close);
      manager =
          new Manager(
              own,
              instance,
              directories,
              hypervisor,
              link.registry(),
              link,
              admissions,
              guests,
              InstantSource.system());
      undo.later(manager::close);
      manager.start();
      link.listen(manager::hello, manager::connected);
      ManagerRoutes routes = new ManagerRoutes(manager, link, () -> legacy, BuildFacts.read());
      server = JsonServer.start(http(own.http()), routes.routes());
      undo.forget();
      LOG.log(
          INFO,
          "Manager {0} of fleet {1} listens at {2}, hypervisor {3}",
          instance,
          own.fleet(),
          server.address(),
          hypervisor.name());
    }
    links =
        new OwnLinks(
            link,
            given,
            first,
            Duration.ofSeconds(config.credential_lifetime()),
            InstantSource.system());
  }

  private static ManagerSettings settings(Config config, Map<String, String> variables) {
    ManagerSettings base =
        new ManagerSettings(
            config.fleet(),
            blankToNull(config.instance()),
            Path.of(config.runs()),
            config.host_ip(),
            config.vms_max(),
            Duration.ofSeconds(config.vms_grace()),
            endOnClose(config.on_close()),
            new ManagerSettings.Http(
                config.http_host(),
                config.http_port(),
                blankToNull(config.http_token()),
                path(config.http_certificate()),
                path(config.http_key())),
            new ManagerSettings.VmShape(
                config.vm_cpus(),
                config.vm_memory(),
                channel(config.vm_channel()),
                Duration.ofSeconds(config.vm_boot()),
                Forget.read("vm.forget", config.vm_forget(), Forget.DELIVERED) == Forget.STORED,
                list(config.vm_bundles())),
            new ManagerSettings.Ports(
                config.ports_ssh(),
                config.ports_http(),
                config.ports_grpc(),
                ManagerSettings.Ports.DEFAULT.guestSsh(),
                ManagerSettings.Ports.DEFAULT.guestHttp(),
                ManagerSettings.Ports.DEFAULT.guestGrpc(),
                config.ports_from(),
                config.ports_to()));
    ManagerEnvironment environment = ManagerEnvironment.read(variables);
    environment.warnings().forEach(warning -> LOG.log(WARNING, warning));
    environment.logLevel().ifPresent(LogLevel::set);
    return environment.over(base);
  }

  private static HttpSettings http(ManagerSettings.Http http) {
    HttpSettings settings =
        HttpSettings.at("manager", http.host(), http.port())
            .withToken(http.token())
            .withThreads(HTTP_WORKERS, HTTP_FOLLOWERS);
    Path certificate = http.certificate();
    Path key = http.key();
    return certificate == null || key == null
        ? settings
        : settings.withTls(Pem.server(certificate, key));
  }

  private static boolean endOnClose(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "end" -> true;
      case "release" -> false;
      default -> throw bad("on.close is end or release, not '%s'.".formatted(word));
    };
  }

  private static SecretChannel channel(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "initrd" -> SecretChannel.INITRD;
      case "cmdline" -> SecretChannel.CMDLINE;
      case "fw_cfg" -> SecretChannel.FW_CFG;
      default -> throw bad("vm.channel is initrd, cmdline or fw_cfg, not '%s'.".formatted(word));
    };
  }

  private static List<String> list(String text) {
    return Arrays.stream(text.split(","))
        .map(String::strip)
        .filter(item -> !item.isEmpty())
        .toList();
  }

  private static @Nullable String blankToNull(String text) {
    return text.isBlank() ? null : text.trim();
  }

  private static @Nullable Path path(String text) {
    return text.isBlank() ? null : Path.of(text.trim());
  }

  private static ManagerException bad(String sentence) {
    return new ManagerException(REFUSED, "bad-settings", sentence);
  }

  /** A transport that may be used comes, or a newer one of its name. */
  @Reference(
      name = "transport",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bindTransport(TransportProvider bound) {
    links.add(bound);
  }

  /** It goes; its connection is closed when this returns. */
  void unbindTransport(TransportProvider gone) {
    links.remove(gone);
  }

  @Override
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return links.reopen(old, next);
  }

  /** An issuer of credentials runs in this process: the manager's own come from it. */
  @Reference(
      name = "issuer",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bindIssuer(CredentialIssuer bound) {
    links.add(bound);
  }

  /** The issuer goes. */
  void unbindIssuer(CredentialIssuer gone) {
    links.remove(gone);
  }

  /** A transport knows its peers by where they connect from. */
  @Reference(
      name = "admission",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bindAdmission(PeerAdmission bound) {
    admissions.add(bound);
  }

  /** It goes. */
  void unbindAdmission(PeerAdmission gone) {
    admissions.remove(gone);
  }

  /** Agents of 2024 are served. */
  @Reference(
      name = "legacy",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindLegacy(LegacyCounts bound) {
    legacy = bound;
  }

  /** They are not any more, or by another. */
  void unbindLegacy(LegacyCounts gone) {
    if (legacy == gone) {
      legacy = null;
    }
  }

  /** VMs have a way of this host. */
  @Reference(
      name = "guests",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindGuests(GuestAccess bound) {
    guests.use(bound);
  }

  /** It goes. */
  void unbindGuests(GuestAccess gone) {
    guests.forget(gone);
  }

  /** Stops listening, ends or releases the VMs, says what is left to say, closes. */
  @Deactivate
  void stop() {
    server.close();
    manager.close();
    links.close();
    link.close();
  }
}
