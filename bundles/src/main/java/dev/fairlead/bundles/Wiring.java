// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.broken;
import static dev.fairlead.bundles.ChangeException.refused;

import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.wiring.FrameworkWiring;

/** What a framework has installed, and who hangs on whom. */
final class Wiring {

  private static final System.Logger LOG = System.getLogger(Wiring.class.getName());
  private static final Duration REFRESH = Duration.ofSeconds(30);

  private final BundleContext context;

  Wiring(BundleContext context) {
    this.context = context;
  }

  /** A bundle that declares transports. */
  static boolean isTransport(Bundle bundle) {
    return BundleJar.declaresTransport(bundle.getHeaders("").get(Constants.PROVIDE_CAPABILITY));
  }

  /** All bundles that declare transports, in the order in which they were installed. */
  List<Bundle> transports() {
    return Arrays.stream(context.getBundles()).filter(Wiring::isTransport).toList();
  }

  /**
   * The one bundle of a name.
   *
   * @throws ChangeException REFUSED: {@code unknown-bundle}, {@code not-a-transport}, {@code
   *     several-versions}
   */
  Bundle transport(String symbolicName) {
    List<Bundle> named =
        Arrays.stream(context.getBundles())
            .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
            .toList();
    if (named.isEmpty()) {
      throw refused(
          "unknown-bundle",
          "No bundle %s is deployed here; there are: %s."
              .formatted(
                  symbolicName,
                  transports().stream()
                      .map(Bundle::getSymbolicName)
                      .collect(Collectors.joining(", "))));
    }
    if (named.size() > 1) {
      throw refused(
          "several-versions",
          "%s is installed %d times: stop this process and start it again."
              .formatted(symbolicName, named.size()));
    }
    if (!isTransport(named.get(0))) {
      throw refused(
          "not-a-transport",
          "%s is no transport: only leaves are changed under traffic, the rest with a restart."
              .formatted(symbolicName));
    }
    return named.get(0);
  }

  /** Installs a jar where it lies. */
  Bundle install(Path jar) {
    try {
      return context.installBundle("reference:" + jar.toUri());
    } catch (BundleException e) {
      throw new ChangeException(
          ChangeException.Category.REFUSED,
          "no-bundle",
          "The framework does not take the jar as a bundle: %s.".formatted(e.getMessage()),
          e);
    }
  }

  /**
   * Resolves a bundle, starting nothing.
   *
   * @throws ChangeException REFUSED {@code not-resolved}, with what is missing
   */
  void resolve(Bundle fresh) {
    if (framework().resolveBundles(List.of(fresh))) {
      return;
    }
    String reason = "the framework does not say why";
    BundleException cause = null;
    try {
      fresh.start(Bundle.START_TRANSIENT); // Nothing starts; it says what is missing.
    } catch (BundleException e) {
      cause = e;
      reason = String.valueOf(e.getMessage());
    }
    throw new ChangeException(
        ChangeException.Category.REFUSED,
        "not-resolved",
        "%s does not resolve here: %s".formatted(name(fresh), reason),
        cause);
  }

  /** The bundles that would be refreshed together with these, the framework says. */
  Collection<Bundle> closure(Collection<Bundle> bundles) {
    return framework().getDependencyClosure(bundles);
  }

  /** Uninstalls a bundle, and lets go of its classes; nobody who runs is refreshed for it. */
  void uninstall(Bundle bundle) {
    try {
      if (bundle.getState() != Bundle.UNINSTALLED) {
        bundle.uninstall();
      }
    } catch (BundleException e) {
      throw broken(
          "not-uninstalled",
          "%s cannot be uninstalled: %s".formatted(name(bundle), e.getMessage()),
          e);
    }
    if (!framework().getRemovalPendingBundles().contains(bundle)) {
      return;
    }
    boolean held =
        closure(Set.of(bundle)).stream()
            .anyMatch(other -> other != bundle && other.getState() == Bundle.ACTIVE);
    if (held) {
      LOG.log(
          Level.WARNING,
          "The classes of {0} stay until the next start: a bundle that runs uses them.",
          name(bundle));
    } else {
      refresh(bundle);
    }
  }

  private void refresh(Bundle bundle) {
    CountDownLatch done = new CountDownLatch(1);
    framework()
        .refreshBundles(
            Set.of(bundle),
            event -> {
              if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED) {
                done.countDown();
              }
            });
    try {
      if (!done.await(REFRESH.toMillis(), TimeUnit.MILLISECONDS)) {
        throw broken(
            "not-refreshed",
            "The framework has not let go of %s within %s.".formatted(name(bundle), REFRESH),
            null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** As people name a bundle. */
  static String name(Bundle bundle) {
    return bundle.getSymbolicName() + " " + bundle.getVersion();
  }

  static List<String> names(Collection<Bundle> bundles) {
    List<String> names = new ArrayList<>();
    bundles.forEach(bundle -> names.add(name(bundle)));
    names.sort(null);
    return names;
  }

  private FrameworkWiring framework() {
    @Nullable FrameworkWiring wiring =
        context.getBundle(Constants.SYSTEM_BUNDLE_ID).adapt(FrameworkWiring.class);
    if (wiring == null) {
      throw new IllegalStateException("Every framework has its wiring.");
    }
    return wiring;
  }
}
