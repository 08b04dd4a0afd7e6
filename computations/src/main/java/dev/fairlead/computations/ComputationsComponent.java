// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.ERROR;

import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.protocol.Command;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Forget;
import dev.fairlead.transport.api.TransportProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletionStage;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Runs the service as a deployment's configuration says. */
@Component(
    service = LinkHolder.class,
    immediate = true,
    configurationPid = "dev.fairlead.computations",
    configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class ComputationsComponent implements LinkHolder {

  private static final System.Logger LOG = System.getLogger(ComputationsComponent.class.getName());

  private final ComputationsService service;

  /** The settings, as the module's README explains them. */
  @interface Config {
    /** The first segment of every address. */
    String fleet() default "fairlead";

    /** Name of the transport that agents and readers use first. */
    String transport();

    /** Where registry and store lie. */
    String directory();

    /** How long a credential lives, in seconds. */
    long credential_lifetime() default 86_400;

    /** Size at which the store begins another file. */
    long segment_bytes() default 64L << 20;

    /** Milliseconds between two syncs of the store, 0 to 10 000. */
    int sync_millis() default 5;

    /**
     * The level at which senders forget: {@code delivered}, or {@code stored} where the transport's
     * peer is set to store events and lines.
     */
    String forget() default "delivered";

    /** Where the API listens; empty for loopback. */
    String http_host() default "";

    /** The API's port; 0 for any free one. */
    int http_port() default 9020;

    /** What clients must show; empty for nothing, on loopback only. */
    String http_token() default "";
  }

  /** Made by the service component runtime. */
  @Activate
  public ComputationsComponent(Config config) {
    AckLevel forgetAt =
        Forget.read("forget", config.forget(), Forget.DELIVERED) == Forget.STORED
            ? AckLevel.STORED
            : AckLevel.DELIVERED;
    service =
        ComputationsService.start(
            new Settings(
                config.fleet(),
                config.transport(),
                Path.of(config.directory()),
                Duration.ofSeconds(config.credential_lifetime()),
                config.segment_bytes(),
                Duration.ofMillis(config.sync_millis()),
                HttpSettings.at("computations", config.http_host(), config.http_port())
                    .withToken(config.http_token())
                    .withBodyLimit(Command.Bundle.MAX_SIZE),
                forgetAt),
            InstantSource.system());
  }

  /** A transport that may be used comes, or a newer one of its name. */
  @Reference(
      name = "transport",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bindTransport(TransportProvider provider) {
    try {
      service.addProvider(provider);
    } catch (ComputationException e) {
      LOG.log(ERROR, "The transport {0} is not used: {1}", provider.name(), e.getMessage());
    }
  }

  /** It goes; its connection is closed when this returns. */
  void unbindTransport(TransportProvider provider) {
    service.removeProvider(provider);
  }

  @Reference(
      name = "issuer",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bindIssuer(CredentialIssuer issuer) {
    service.addIssuer(issuer);
  }

  void unbindIssuer(CredentialIssuer issuer) {
    service.removeIssuer(issuer);
  }

  @Override
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return service.reopen(old, next);
  }

  @Deactivate
  void deactivate() {
    service.close();
  }
}
