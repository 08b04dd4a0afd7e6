// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.manager.relay.Relay;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
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
 * Runs a relay as configured: VMs of this host are on one transport, everybody else on another.
 * Which ones is chosen by the properties {@code guests.target} and {@code guests.issuer.target} for
 * the VMs, {@code uplink.target} and {@code uplink.issuer.target} for the others.
 */
@Component(
    service = GuestAccess.class,
    immediate = true,
    configurationPid = "dev.fairlead.manager.relay",
    configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class RelayComponent implements GuestAccess {

  private static final System.Logger LOG = System.getLogger(RelayComponent.class.getName());
  private static final Duration SWAP_PATIENCE = Duration.ofSeconds(20);
  private static final Duration LONGEST = Duration.ofDays(30);

  /** What may be configured. */
  public @interface Config {
    /** First segment of all addresses. */
    String fleet() default "fairlead";

    /** Where the uplink connects; not needed where its issuer is in this process. */
    String endpoint() default "";

    /** The CA of the endpoint: SHA-256 of its DER form; empty: the platform's trust. */
    String ca_sha256() default "";

    /** The file with the uplink's credential; not needed where its issuer is in this process. */
    String credential_file() default "";

    /** How long a credential lives that an issuer in this process issues, in seconds. */
    long credential_lifetime() default 86_400;
  }

  private final String fleet;
  private final Addresses own;
  private final Duration lifetime;
  private final CredentialIssuer guestsIssuer;
  private final TransportProvider uplinkProvider;
  private final TransportSettings uplinkSettings;
  private final Runner runner = Runner.start("fl-relay");
  private final Switchboard guests = new Switchboard(runner, new Log("VMs"));
  private final Switchboard uplink = new Switchboard(runner, new Log("uplink"));
  private final CredentialKeeper guestsKeeper;
  private final Relay relay;
  private @Nullable CredentialKeeper uplinkKeeper;
  private @Nullable CredentialIssuer uplinkIssuer;

  /** Connects to both, and carries nothing yet. */
  @Activate
  public RelayComponent(
      Config config,
      @Reference(name = "guests") TransportProvider guestsProvider,
      @Reference(name = "guests.issuer") CredentialIssuer guestsIssuer,
      @Reference(name = "uplink") TransportProvider uplinkProvider) {
    this.fleet = config.fleet();
    // The numbering of replies ends with this process, and so does its name.
    this.own = new Addresses(fleet, "_relay-" + UUID.randomUUID().toString().substring(0, 8));
    this.lifetime = Duration.ofSeconds(config.credential_lifetime());
    this.guestsIssuer = guestsIssuer;
    this.uplinkProvider = uplinkProvider;
    this.uplinkSettings =
        new TransportSettings(
            config.endpoint().isBlank() ? null : config.endpoint().trim(),
            config.ca_sha256().isBlank() ? null : config.ca_sha256().trim(),
            config.credential_file().isBlank() ? null : Path.of(config.credential_file().trim()));
    this.relay = new Relay(fleet, guests, uplink);
    TransportSettings none = new TransportSettings(null, null, null);
    this.guestsKeeper =
        new CredentialKeeper(
            guestsIssuer,
            new Grant(
                own.party(),
                List.of(fleet + "/*/down/**"),
                List.of(own.down("**"), fleet + "/*/up/**")),
            lifetime,
            InstantSource.system());
    guestsKeeper.start(() -> use(guests, guestsProvider, guestsKeeper.over(none)));
    if (uplinkSettings.isWhole()) {
      use(uplink, uplinkProvider, uplinkSettings);
    }
  }

  /** What the uplink must be permitted: to speak for computations, and to hear what they may. */
  static Grant uplinkGrant(Addresses own) {
    return new Grant(
        own.party(),
        List.of(own.fleet() + "/*/up/**"),
        List.of(own.down("**"), own.fleet() + "/*/down/**"));
  }

  /** An issuer of the uplink's credentials runs in this process. */
  @Reference(
      name = "uplink.issuer",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void bindUplinkIssuer(CredentialIssuer bound) {
    if (uplinkSettings.isWhole()) {
      return;
    }
    stopKeeping();
    uplinkIssuer = bound;
    CredentialKeeper kept =
        new CredentialKeeper(bound, uplinkGrant(own), lifetime, InstantSource.system());
    uplinkKeeper = kept;
    kept.start(() -> use(uplink, uplinkProvider, kept.over(uplinkSettings)));
  }

  /** It goes. */
  synchronized void unbindUplinkIssuer(CredentialIssuer gone) {
    if (uplinkIssuer == gone) {
      stopKeeping();
    }
  }

  private void stopKeeping() {
    CredentialKeeper kept = uplinkKeeper;
    if (kept != null) {
      kept.close();
    }
    uplinkKeeper = null;
    uplinkIssuer = null;
  }

  private void use(
      Switchboard board, TransportProvider provider, Function<String, @Nullable String> settings) {
    Function<String, @Nullable String> all =
        name -> name.equals(TransportProvider.REPLIES) ? own.replies() : settings.apply(name);
    board
        .use(provider, all, SWAP_PATIENCE)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                LOG.log(
                    WARNING,
                    "The relay does not use the transport {0}: {1}",
                    provider.name(),
                    failure.getMessage());
              }
            });
  }

  @Override
  public Registration admit(Registration registration) {
    String computation = registration.computation();
    Addresses party = Addresses.ofComputation(fleet, computation);
    // It is good on this host only, for this VM only, and ends with it.
    Credential credential =
        guestsIssuer.issue(new Grant(computation, party.sends(), party.receives()), LONGEST);
    Endpoint endpoint = guestsIssuer.guestEndpoint();
    relay.admit(computation);
    return new Registration(
        computation,
        registration.digest(),
        List.of(new TransportFact(guestsIssuer.transport(), endpoint.uri(), endpoint.caSha256())),
        credential.content(),
        credential.expiresAt());
  }

  @Override
  public void adopt(String computation) {
    relay.admit(computation);
  }

  @Override
  public void dismiss(String computation) {
    relay.dismiss(computation);
    try {
      guestsIssuer.revoke(computation);
    } catch (TransportException e) {
      LOG.log(WARNING, "The credential of {0} ends later: {1}", computation, e.getMessage());
    }
  }

  /** Says what was carried, and closes both sides. */
  @Deactivate
  void stop() {
    guestsKeeper.close();
    synchronized (this) {
      stopKeeping();
    }
    relay.close();
    LOG.log(
        INFO,
        "The relay carried outward {0}, inward {1}; of strangers {2}",
        relay.outward(),
        relay.inward(),
        relay.strangers());
    uplink.close();
    guests.close();
    runner.close();
  }

  /** Says what happens to a transport. */
  private record Log(String side) implements SwitchboardListener {

    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {
      LOG.log(INFO, "Relay, {0}: {1} is {2}: {3}", side, transport, state, reason);
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      LOG.log(
          WARNING,
          "Relay, {0}: {1} refused {2}: {3}",
          side,
          transport,
          address == null ? "the connection" : address,
          refusal.getMessage());
    }
  }
}
