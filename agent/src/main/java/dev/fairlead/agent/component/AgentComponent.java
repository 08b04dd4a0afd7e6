// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.component;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.agent.AgentService;
import dev.fairlead.agent.core.AgentSession;
import dev.fairlead.agent.core.AgentSettings;
import dev.fairlead.agent.core.SessionSetup;
import dev.fairlead.agent.core.StartFacts;
import dev.fairlead.agent.run.BinKind;
import dev.fairlead.agent.run.IsolatedSandbox;
import dev.fairlead.agent.run.LazySandbox;
import dev.fairlead.agent.run.PlainSandbox;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.agent.run.Sandbox;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Starts the agent, and makes it a service once it has said hello. */
@Component(service = LinkHolder.class, immediate = true, configurationPid = "dev.fairlead.agent")
public final class AgentComponent implements LinkHolder {

  private static final System.Logger log = System.getLogger(AgentComponent.class.getName());

  private static final long MIB = 1 << 20;

  private final List<TransportProvider> transports = new CopyOnWriteArrayList<>();
  private final Map<String, AlgorithmKind> kinds = new ConcurrentHashMap<>();
  private volatile @Nullable AgentSession session;
  private @Nullable ServiceRegistration<AgentService> registration;
  private boolean deactivated;

  /** Settings, by the names of the configuration: {@code algorithm.mib}, {@code run.seconds}… */
  @interface Config {
    /** Where the public facts lie. */
    String cmdline_file() default "/proc/cmdline";

    /** Where the credential lies unless it is on the command line. */
    String credential_file() default "/fairlead/credential";

    /** A directory of the agent's own. */
    String work() default "/work";

    /** {@code isolated}, {@code plain}; {@code auto}: plain in a child process, else isolated. */
    String sandbox() default "auto";

    /** A directory in a cgroup2 file system for the runs' control groups. */
    String cgroup() default "/sys/fs/cgroup/algorithm";

    /** What algorithms may read of the machine. */
    String[] shown() default {"/bin", "/lib", "/lib64"};

    /** The most MiB of an algorithm. */
    int algorithm_mib() default 64;

    /** The most MiB of one dataset. */
    int dataset_mib() default 64;

    /** The most uploads at once. */
    int uploads() default 4;

    /** The most seconds of a run. */
    int run_seconds() default 86_400;

    /** The most MiB of memory of a run; 0: half of the machine's. */
    int run_memory_mib() default 0;

    /** The most processes of a run. */
    int run_processes() default 64;

    /** The most MiB of a run's disk; 0: an eighth of the machine's memory. */
    int run_disk_mib() default 0;

    /** The most MiB that a run may print. */
    int run_output_mib() default 256;

    /** The most MiB of a result. */
    int run_result_mib() default 32;

    /** MiB of memory for lines that are not delivered yet. */
    int log_mib() default 8;

    /**
     * A folder in which events and lines outlive this process; a relative one lies in the working
     * directory; empty: memory alone.
     */
    String spool_dir() default "";

    /** The most MiB of each of the two streams there. */
    int spool_mib() default 256;

    /** Seconds between two heartbeats. */
    int heartbeat_seconds() default 5;

    /** Seconds that the transport's bundle may take to appear, in a slow guest too. */
    int patience_seconds() default 60;

    /** Whether role signatures over the bare word are taken: they can be repeated for ever. */
    boolean bare_signatures() default false;

    /** Whether {@code POST /run} may bring the manifest. */
    boolean manifest_through_doors() default true;
  }

  @Activate
  void activate(BundleContext context, Config config) {
    try {
      AgentSession started = start(context, config, Surroundings.ofProcess());
      session = started;
      transports.forEach(started::offer);
    } catch (IOException | RuntimeException e) {
      die(e);
    }
  }

  private AgentSession start(BundleContext context, Config config, Surroundings around)
      throws IOException {
    StartFacts facts =
        StartFacts.read(
            Path.of(around.text("FAIRLEAD_CMDLINE_FILE", config.cmdline_file())),
            Path.of(around.text("FAIRLEAD_CREDENTIAL_FILE", config.credential_file())));
    Path work = Path.of(around.text("FAIRLEAD_WORK", config.work()));
    String spool = around.text("FAIRLEAD_SPOOL_DIR", config.spool_dir());
    boolean plain =
        config.sandbox().equals("plain")
            || (config.sandbox().equals("auto") && around.isChildProcess());
    return new AgentSession(
        new SessionSetup(
            facts,
            new AgentSettings(
                config.algorithm_mib() * MIB,
                config.dataset_mib() * MIB,
                config.uploads(),
                limits(config),
                config.bare_signatures(),
                config.manifest_through_doors()),
            new SessionSetup.Workspace(
                work, sandbox(config, work.resolve("runs"), plain), this::kind),
            new SessionSetup.Streams(
                config.log_mib() * MIB,
                spool.isEmpty() ? null : work.resolve(spool),
                config.spool_mib() * MIB),
            new SessionSetup.Timing(
                Duration.ofSeconds(config.heartbeat_seconds()),
                Duration.ofSeconds(config.patience_seconds())),
            new SessionSetup.Platform(
                InstantSource.system(),
                new SecureRandom(),
                context.getBundle().getVersion().toString(),
                () -> updater(context)),
            new Watch(context, plain)));
  }

  /** Does what follows from how the session goes. */
  private final class Watch implements SessionSetup.Listener {

    private final BundleContext context;
    private final boolean plain;

    Watch(BundleContext context, boolean plain) {
      this.context = context;
      this.plain = plain;
    }

    @Override
    public void greeted() {
      register(context, plain);
    }

    @Override
    public void ended() {
      end(context);
    }

    @Override
    public void failed(Throwable reason) {
      die(reason);
    }
  }

  /** It comes after the hello, and is looked for when it is needed. */
  private static @Nullable BundleUpdater updater(BundleContext context) {
    ServiceReference<BundleUpdater> reference = context.getServiceReference(BundleUpdater.class);
    return reference == null ? null : context.getService(reference);
  }

  private static RunLimits limits(Config config) {
    long memory = AgentSession.machineMemory();
    return new RunLimits(
        Duration.ofSeconds(config.run_seconds()),
        config.run_memory_mib() > 0 ? config.run_memory_mib() * MIB : Math.max(MIB, memory / 2),
        config.run_processes(),
        config.run_disk_mib() > 0 ? config.run_disk_mib() * MIB : Math.max(MIB, memory / 8),
        config.run_output_mib() * MIB,
        config.run_result_mib() * MIB);
  }

  private static Sandbox sandbox(Config config, Path runs, boolean plain) {
    if (plain) {
      log.log(WARNING, "Algorithms run without a sandbox, as the agent itself: for development.");
      return new PlainSandbox(runs);
    }
    return new LazySandbox(
        "isolated",
        () ->
            new IsolatedSandbox(
                new IsolatedSandbox.Settings(
                    runs,
                    Path.of("/bin/busybox"),
                    Path.of(config.cgroup()),
                    Arrays.stream(config.shown()).map(Path::of).toList(),
                    true)));
  }

  private Optional<AlgorithmKind> kind(String name) {
    return Optional.ofNullable(kinds.get(name))
        .or(() -> name.equals("bin") ? Optional.of(new BinKind()) : Optional.empty());
  }

  private synchronized void register(BundleContext context, boolean plain) {
    AgentSession current = session;
    if (deactivated || current == null) {
      return;
    }
    if (!plain) {
      IsolatedSandbox.harden();
    }
    registration = context.registerService(AgentService.class, current.agent(), null);
  }

  /** The framework stops, and with it the launcher, with exit status 0: a good end. */
  private static void end(BundleContext context) {
    log.log(INFO, "The agent was told to stop; it ends.");
    try {
      context.getBundle(0).stop();
    } catch (BundleException e) {
      die(e);
    }
  }

  /** The process ends at once, and says that it did not end well: the guest then panics. */
  private static void die(Throwable reason) {
    log.log(ERROR, "The agent cannot go on: " + reason.getMessage(), reason);
    System.err.flush();
    Runtime.getRuntime().halt(1);
  }

  @Override
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    AgentSession current = session;
    return current == null ? CompletableFuture.completedStage(null) : current.reopen(old, next);
  }

  @Deactivate
  void deactivate() {
    ServiceRegistration<AgentService> registered;
    synchronized (this) {
      deactivated = true;
      registered = registration;
      registration = null;
    }
    if (registered != null) {
      registered.unregister();
    }
    AgentSession current = session;
    if (current != null) {
      current.close();
    }
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addTransport(TransportProvider provider) {
    transports.add(provider);
    AgentSession current = session;
    if (current != null) {
      current.offer(provider);
    }
  }

  void removeTransport(TransportProvider provider) {
    transports.remove(provider);
    AgentSession current = session;
    if (current != null) {
      current.withdraw(provider);
    }
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addKind(AlgorithmKind kind) {
    kinds.put(kind.name(), kind);
  }

  void removeKind(AlgorithmKind kind) {
    kinds.remove(kind.name(), kind);
  }
}
