// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.transport.api.TransportException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Changes bundles for an agent, which brings the jar and says what may come in: no door, no folder
 * that is watched. Nothing is made before the agent asks for it.
 */
@Component(configurationPid = "dev.fairlead.bundles.guest")
public final class GuestUpdater implements BundleUpdater {

  private final BundleContext context;
  private final Duration patience;

  /** The settings. */
  @interface Config {
    /** Seconds that a single step may take: a provider to appear, a link to come up. */
    int patience_seconds() default 60;
  }

  /** Made by the service component runtime. */
  @Activate
  public GuestUpdater(BundleContext context, Config config) {
    this(context, Duration.ofSeconds(config.patience_seconds()));
  }

  GuestUpdater(BundleContext context, Duration patience) {
    this.context = context;
    this.patience = patience;
  }

  @Override
  public List<Standing> list() {
    return new Wiring(context)
        .transports().stream()
            .map(
                bundle ->
                    new Standing(
                        bundle.getSymbolicName(),
                        bundle.getVersion().toString(),
                        Bundles.state(bundle)))
            .toList();
  }

  @Override
  public Outcome update(Order order, Set<String> permitted, Path folder) {
    Verifier verifier = new Verifier(null, permitted);
    Proof proof = new Proof(order.sha256(), null);
    try (Bundles bundles =
        new Bundles(context, verifier, new Shelf(folder), patience, new Counts())) {
      byte[] jar = BundleJar.bytes(order.jar());
      verifier.verify(jar, proof); // before anything looks into it
      BundleJar said = BundleJar.read(jar);
      if (!said.symbolicName().equals(order.bundle())
          || !isVersion(said.version(), order.version())) {
        throw ChangeException.refused(
            "wrong-bundle",
            "The jar is %s %s, and not %s %s."
                .formatted(said.symbolicName(), said.version(), order.bundle(), order.version()));
      }
      Change change = bundles.update(jar, proof, false);
      return new Outcome(change.from(), change.othersRefreshed());
    } catch (ChangeException e) {
      throw new DeliveryException(
          TransportException.Category.valueOf(e.category().name()),
          e.code(),
          String.valueOf(e.getMessage()),
          e);
    }
  }

  private static boolean isVersion(Version version, String text) {
    try {
      return version.equals(Version.parseVersion(text));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
