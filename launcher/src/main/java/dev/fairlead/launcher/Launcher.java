// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * A running deployment. Bundles are used where they lie, not copied. Configuration is in place
 * before the first bundle that may ask for it is started.
 */
public final class Launcher implements AutoCloseable {

  private static final String CONFIG_ADMIN_BUNDLE = "org.apache.felix.configadmin";
  private static final String CONFIG_ADMIN = "org.osgi.service.cm.ConfigurationAdmin";

  private static final System.Logger LOG = System.getLogger(Launcher.class.getName());

  private final Deployment deployment;
  private final Framework framework;

  /**
   * Makes one that is not started yet; {@link #close} may be called from now on, by any thread.
   *
   * @param storage a folder for the framework's own use; what is in it is deleted
   */
  public Launcher(Deployment deployment, Path storage) {
    this.deployment = deployment;
    Map<String, String> settings = new HashMap<>(deployment.properties());
    settings.put(Constants.FRAMEWORK_STORAGE, storage.toString());
    settings.put(Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    settings.putIfAbsent("felix.log.level", "1");
    framework =
        ServiceLoader.load(FrameworkFactory.class, Launcher.class.getClassLoader())
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("No OSGi framework is on the class path."))
            .newFramework(settings);
  }

  /**
   * Starts it. When that fails, nothing of it is left running.
   *
   * @throws IOException when a bundle is missing, does not resolve or does not start: the message
   *     names it
   */
  public void start() throws IOException {
    boolean started = false;
    try {
      framework.init();
      installAndStart();
      started = true;
    } catch (BundleException e) {
      throw new IOException(
          "Deployment " + deployment.name() + " does not start: " + e.getMessage(), e);
    } finally {
      if (!started) {
        close();
      }
    }
  }

  private void installAndStart() throws BundleException, IOException {
    BundleContext context = framework.getBundleContext();
    List<Bundle> toStart = new ArrayList<>();
    Map<String, List<Path>> later = new LinkedHashMap<>();
    for (Deployment.Entry entry : deployment.bundles()) {
      if (!Files.isRegularFile(entry.jar())) {
        throw new IOException(
            "Deployment %s names bundle %s, which is not there."
                .formatted(deployment.name(), entry.jar()));
      }
      String after = entry.after();
      if (after != null) {
        later.computeIfAbsent(after, service -> new ArrayList<>()).add(entry.jar());
        continue;
      }
      Bundle bundle = install(context, entry.jar());
      if (entry.started() && bundle.getHeaders("").get(Constants.FRAGMENT_HOST) == null) {
        toStart.add(bundle);
      }
    }
    framework.start();
    for (Map.Entry<String, List<Path>> entry : later.entrySet()) {
      new LateBundles(context, entry.getKey(), entry.getValue()).await();
    }
    for (Bundle bundle : toStart) {
      if (bundle.getSymbolicName().equals(CONFIG_ADMIN_BUNDLE)) {
        bundle.start();
        configure(context, deployment.configurations());
      }
    }
    for (Bundle bundle : toStart) {
      bundle.start();
    }
  }

  static Bundle install(BundleContext context, Path jar) throws BundleException {
    return context.installBundle("reference:" + jar.toUri());
  }

  /**
   * The admin's classes belong to its bundle, so that it is spoken to by name; there is nothing to
   * configure where it is not installed.
   */
  private static void configure(
      BundleContext context, Map<String, Map<String, Object>> configurations) throws IOException {
    ServiceReference<?> reference = context.getServiceReference(CONFIG_ADMIN);
    Object admin = reference == null ? null : context.getService(reference);
    if (admin == null) {
      throw new IOException("The configuration admin's bundle offers no " + CONFIG_ADMIN + ".");
    }
    try {
      ClassLoader loader = admin.getClass().getClassLoader();
      Method get =
          Class.forName(CONFIG_ADMIN, false, loader)
              .getMethod("getConfiguration", String.class, String.class);
      Method update =
          Class.forName("org.osgi.service.cm.Configuration", false, loader)
              .getMethod("update", Dictionary.class);
      for (Map.Entry<String, Map<String, Object>> entry : configurations.entrySet()) {
        update.invoke(
            get.invoke(admin, entry.getKey(), "?"), FrameworkUtil.asDictionary(entry.getValue()));
      }
    } catch (ReflectiveOperationException e) {
      throw new IOException("The configuration admin does not take the configuration.", e);
    }
  }

  /** The framework's context, for whoever looks at its bundles and services. */
  public BundleContext context() {
    return framework.getBundleContext();
  }

  /** Blocks until the framework has stopped. */
  public void awaitStop() throws InterruptedException {
    framework.waitForStop(0);
  }

  /**
   * Stops all bundles, the last started first, and waits up to 90 s for that: VMs are ended in
   * steps. Idempotent.
   */
  @Override
  public void close() {
    close(Duration.ofSeconds(90));
  }

  private void close(Duration limit) {
    try {
      framework.stop();
      FrameworkEvent end = framework.waitForStop(limit.toMillis());
      if (end.getType() == FrameworkEvent.WAIT_TIMEDOUT) {
        LOG.log(
            Level.WARNING,
            "{0} has not stopped within {1} s; what still runs ends with this process.",
            deployment.name(),
            limit.toSeconds());
      }
    } catch (BundleException e) {
      throw new IllegalStateException("The framework does not stop.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
