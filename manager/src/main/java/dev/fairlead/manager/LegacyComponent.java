// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.manager.legacy.LegacyDoor;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Where a configuration asks for it: the VMs of this host have agents of 2024, which speak frames
 * of their own. Which transport carries what they say is chosen by {@code transport.target} and
 * {@code issuer.target}.
 */
@Component(
    service = {PeerAdmission.class, LegacyCounts.class},
    immediate = true,
    configurationPid = "dev.fairlead.manager.legacy",
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "transport.name=" + LegacyComponent.NAME)
public final class LegacyComponent implements PeerAdmission, LegacyCounts {

  static final String NAME = "legacy";

  private static final System.Logger LOG = System.getLogger(LegacyComponent.class.getName());
  private static final Duration LIFETIME = Duration.ofDays(1);
  private static final Duration SWAP_PATIENCE = Duration.ofSeconds(20);

  /** What may be configured. */
  public @interface Config {
    /** First segment of all addresses. */
    String fleet() default "fairlead";
  }

  private final String fleet;
  private final TransportProvider provider;
  private final CredentialIssuer issuer;
  private final Runner runner = Runner.start("fl-legacy");
  private final Set<LegacyDoor> doors = new HashSet<>(); // guarded by itself, as is what follows
  private LegacyDoor.Books before = new LegacyDoor.Books(0, 0, 0);

  /** Waits for VMs. */
  @Activate
  public LegacyComponent(
      Config config,
      @Reference(name = "transport") TransportProvider provider,
      @Reference(name = "issuer") CredentialIssuer issuer) {
    this.fleet = config.fleet();
    this.provider = provider;
    this.issuer = issuer;
  }

  @Override
  public String transport() {
    return NAME;
  }

  @Override
  public Admission admit(String subject, URI peer) {
    Addresses own = Addresses.ofComputation(fleet, subject);
    if (!"unix".equals(peer.getScheme())) {
      LOG.log(
          WARNING,
          "The agent of {0} is not served if it is of 2024: its VM has a device of the kernel''s, not a socket of its own.",
          subject);
      return () -> {};
    }
    Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
    CredentialKeeper keeper =
        new CredentialKeeper(
            issuer,
            new Grant(subject, own.sends(), own.receives()),
            LIFETIME,
            InstantSource.system());
    LegacyDoor door;
    try {
      door = new LegacyDoor(own, Path.of(peer.getPath()), board, runner, InstantSource.system());
    } catch (IOException e) {
      board.close();
      throw new TransportException(
          TransportException.Category.RETRY,
          "socket-busy",
          "Nobody can listen for agents of 2024 beside %s: %s".formatted(peer, e.getMessage()),
          e);
    }
    synchronized (doors) {
      doors.add(door);
    }
    TransportSettings none = new TransportSettings(null, null, null);
    keeper.start(
        () -> {
          var settings = keeper.over(none);
          var unused =
              board.use(
                  provider,
                  name ->
                      name.equals(TransportProvider.REPLIES) ? own.replies() : settings.apply(name),
                  SWAP_PATIENCE);
        });
    return () -> {
      keeper.close();
      door.close();
      board.close();
      forget(door);
      LOG.log(INFO, "Of the agent of {0}, of 2024: {1}", subject, door.books());
    };
  }

  private void forget(LegacyDoor door) {
    synchronized (doors) {
      if (doors.remove(door)) {
        before = before.plus(door.books());
      }
    }
  }

  private LegacyDoor.Books books() {
    synchronized (doors) {
      return doors.stream().map(LegacyDoor::books).reduce(before, LegacyDoor.Books::plus);
    }
  }

  @Override
  public long taken() {
    return books().taken();
  }

  @Override
  public long answered() {
    return books().answered();
  }

  @Override
  public long refused() {
    return books().refused();
  }

  /** The admissions are closed by who asked for them. */
  @Deactivate
  void stop() {
    runner.close();
  }
}
