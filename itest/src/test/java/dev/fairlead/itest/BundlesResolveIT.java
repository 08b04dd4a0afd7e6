// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;

/** Every bundle of ours resolves in a bare Felix, with the companions that are written down. */
class BundlesResolveIT {

  @TempDir static Path cache;

  private static Framework framework;
  private static final Map<String, Bundle> OURS = new TreeMap<>();

  static Stream<Reactor.Module> bundles() {
    return Reactor.modules().stream().filter(Reactor.Module::isBundle);
  }

  @BeforeAll
  static void install() throws BundleException, IOException {
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(
                Map.of(
                    Constants.FRAMEWORK_STORAGE,
                    cache.toString(),
                    // Nothing of this test's own class path may help.
                    Constants.FRAMEWORK_BUNDLE_PARENT,
                    Constants.FRAMEWORK_BUNDLE_PARENT_BOOT,
                    // The JVM has one handler of URLs, and other tests want theirs.
                    "felix.service.urlhandlers",
                    "false"));
    framework.init();
    for (Path jar : Bundles.thirdParty()) {
      framework.getBundleContext().installBundle(jar.toUri().toString());
    }
    for (Reactor.Module module : bundles().toList()) {
      OURS.put(
          module.name(),
          framework.getBundleContext().installBundle(module.jar().toUri().toString()));
    }
    framework.start();
  }

  @AfterAll
  static void stop() throws BundleException, InterruptedException {
    framework.stop();
    framework.waitForStop(TimeUnit.SECONDS.toMillis(10));
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void bundleResolvesWithItsCompanions(Reactor.Module module) throws BundleException {
    Bundle bundle = Objects.requireNonNull(OURS.get(module.name()));
    if (!framework.adapt(FrameworkWiring.class).resolveBundles(List.of(bundle))) {
      bundle.start(); // Says what is missing.
    }
    assertThat(bundle.getState()).isGreaterThanOrEqualTo(Bundle.RESOLVED);
    Golden.check(module.name() + ".companions", companions(bundle));
  }

  /** The bundles that one needs, and those that these need. */
  private static List<String> companions(Bundle bundle) {
    Set<Bundle> found = new LinkedHashSet<>();
    Deque<Bundle> todo = new ArrayDeque<>(List.of(bundle));
    while (!todo.isEmpty()) {
      for (BundleWire wire : todo.remove().adapt(BundleWiring.class).getRequiredWires(null)) {
        Bundle needed = wire.getProvider().getBundle();
        if (needed.getBundleId() != Constants.SYSTEM_BUNDLE_ID && found.add(needed)) {
          todo.add(needed);
        }
      }
    }
    found.remove(bundle);
    return found.stream().map(Bundle::getSymbolicName).sorted().toList();
  }
}
