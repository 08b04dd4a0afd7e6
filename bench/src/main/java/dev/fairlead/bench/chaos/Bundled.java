// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;

/**
 * The transports' bundles, resolved in a framework of this process, as they are in a guest. All
 * else they take from this process' class path, so that what they offer is of its types. Each
 * bundle that loses its wiring is noted in a file that outlives the process: one line with its
 * name. A change of the transport touches no bundle, so there should be none.
 */
final class Bundled implements AutoCloseable {

  /** A planted fault: a bundle is refreshed, as if somebody had changed it. */
  static final String REFRESHES = "agent-refreshes-a-bundle";

  private static final String FILE = "refreshed";
  private static final String EXTENDER =
      "osgi.extender;osgi.extender=\"osgi.component\";version:Version=\"1.5.0\"";

  /** Whose packages a transport may use. */
  private static final Set<String> SHARED =
      Set.of(
          "dev.fairlead.lib.junixsocket",
          "dev.fairlead.protocol",
          "dev.fairlead.transport.api",
          "dev.fairlead.transport.base");

  private final Framework framework;
  private final Watch watch;
  private final Map<String, Bundle> bundles = new HashMap<>();

  private Bundled(Framework framework, Watch watch) {
    this.framework = framework;
    this.watch = watch;
  }

  /**
   * Starts the framework.
   *
   * @param transports by name
   * @param folder for the framework's own use, and for the file
   * @throws IOException when a bundle is missing or does not resolve
   */
  static Bundled start(List<String> transports, Path folder) throws IOException {
    Map<String, String> settings = new HashMap<>();
    settings.put(Constants.FRAMEWORK_STORAGE, folder.resolve("felix").toString());
    settings.put(Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    settings.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, packages());
    settings.put(Constants.FRAMEWORK_SYSTEMCAPABILITIES_EXTRA, EXTENDER);
    settings.put("felix.log.level", "1");
    Bundled started =
        new Bundled(
            ServiceLoader.load(FrameworkFactory.class)
                .findFirst()
                .orElseThrow(() -> new IOException("No OSGi framework is on the class path."))
                .newFramework(settings),
            new Watch(folder.resolve(FILE)));
    boolean whole = false;
    try {
      started.framework.start();
      started.install(transports);
      started.framework.getBundleContext().addBundleListener(started.watch);
      whole = true;
      return started;
    } catch (BundleException e) {
      throw new IOException("The transports' bundles cannot be used: " + e.getMessage(), e);
    } finally {
      if (!whole) {
        started.close();
      }
    }
  }

  private void install(List<String> transports) throws BundleException, IOException {
    for (ServiceLoader.Provider<TransportProvider> found :
        ServiceLoader.load(TransportProvider.class).stream().toList()) {
      String name = found.get().name();
      if (transports.contains(name)) {
        URL jar = found.type().getProtectionDomain().getCodeSource().getLocation();
        bundles.put(name, framework.getBundleContext().installBundle("reference:" + jar));
      }
    }
    if (!bundles.keySet().containsAll(transports)
        || !framework.adapt(FrameworkWiring.class).resolveBundles(bundles.values())) {
      throw new IOException(
          "Of the bundles of %s there are %s, and not all resolve."
              .formatted(transports, bundles.values()));
    }
  }

  /** What those bundles export that are on the class path. */
  private static String packages() throws IOException {
    List<String> all = new ArrayList<>();
    ClassLoader loader = Bundled.class.getClassLoader();
    for (URL url : Collections.list(loader.getResources("META-INF/MANIFEST.MF"))) {
      try (InputStream in = url.openStream()) {
        Attributes facts = new Manifest(in).getMainAttributes();
        String name = facts.getValue(Constants.BUNDLE_SYMBOLICNAME);
        String exported = facts.getValue(Constants.EXPORT_PACKAGE);
        if (name != null && SHARED.contains(name) && exported != null) {
          all.add(exported.replaceAll(";uses:=\"[^\"]*\"", ""));
        }
      }
    }
    return String.join(",", all);
  }

  /** The transport that a bundle offers. */
  TransportProvider provider(String name) {
    ClassLoader loader = bundle(name).adapt(BundleWiring.class).getClassLoader();
    return ServiceLoader.load(TransportProvider.class, loader).stream()
        .filter(one -> one.type().getClassLoader() == loader)
        .map(ServiceLoader.Provider::get)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("No bundle offers transport " + name + "."));
  }

  /** Refreshes the bundle of a transport, which makes it lose its wiring; and resolves it again. */
  void refresh(String name) throws InterruptedException {
    FrameworkWiring wiring = framework.adapt(FrameworkWiring.class);
    CountDownLatch refreshed = new CountDownLatch(1);
    wiring.refreshBundles(
        Set.of(bundle(name)),
        event -> {
          if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED) {
            refreshed.countDown();
          }
        });
    if (!refreshed.await(30, TimeUnit.SECONDS) || !wiring.resolveBundles(bundles.values())) {
      throw new IllegalStateException("The bundle of %s was not refreshed.".formatted(name));
    }
  }

  private Bundle bundle(String name) {
    Bundle bundle = bundles.get(name);
    if (bundle == null) {
      throw new IllegalStateException("No bundle offers transport " + name + ".");
    }
    return bundle;
  }

  /** How many bundles have lost their wiring, in all runs of an agent. */
  static long refreshed(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    return Files.exists(file) ? Files.readAllLines(file, UTF_8).size() : 0;
  }

  @Override
  public void close() {
    try {
      BundleContext context = framework.getBundleContext();
      if (context != null) {
        context.removeBundleListener(watch); // an end is no change
      }
      framework.stop();
      framework.waitForStop(TimeUnit.SECONDS.toMillis(10));
    } catch (BundleException e) {
      throw new IllegalStateException("The framework does not stop.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Notes who loses its wiring. */
  private record Watch(Path file) implements SynchronousBundleListener {

    @Override
    public void bundleChanged(BundleEvent event) {
      if (event.getType() == BundleEvent.UNRESOLVED) {
        try {
          Files.writeString(
              file,
              event.getBundle().getSymbolicName() + "\n",
              UTF_8,
              StandardOpenOption.CREATE,
              StandardOpenOption.APPEND);
        } catch (IOException e) {
          throw new IllegalStateException("What was refreshed cannot be noted.", e);
        }
      }
    }
  }
}
