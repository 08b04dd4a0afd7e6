// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceEvent;
import org.osgi.framework.ServiceListener;

/**
 * Bundles that are installed and started once a service is there, in a thread of their own: what an
 * agent does not need for its hello must not take time from it.
 */
final class LateBundles implements ServiceListener {

  private static final System.Logger LOG = System.getLogger(LateBundles.class.getName());

  private final BundleContext context;
  private final String service;
  private final List<Path> jars;
  private final AtomicBoolean begun = new AtomicBoolean();

  LateBundles(BundleContext context, String service, List<Path> jars) {
    this.context = context;
    this.service = service;
    this.jars = List.copyOf(jars);
  }

  /** Begins to wait; returns at once. */
  void await() {
    try {
      context.addServiceListener(this, "(" + Constants.OBJECTCLASS + "=" + service + ")");
    } catch (InvalidSyntaxException e) {
      throw new IllegalArgumentException(service + " is no name of a service.", e);
    }
    if (context.getServiceReference(service) != null) {
      begin();
    }
  }

  @Override
  public void serviceChanged(ServiceEvent event) {
    if (event.getType() == ServiceEvent.REGISTERED) {
      begin();
    }
  }

  private void begin() {
    if (begun.compareAndSet(false, true)) {
      Thread thread = new Thread(this::start, "fairlead-late-bundles");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void start() {
    try {
      context.removeServiceListener(this);
      List<Bundle> bundles = new ArrayList<>();
      for (Path jar : jars) {
        bundles.add(Launcher.install(context, jar));
      }
      for (Bundle bundle : bundles) {
        bundle.start();
      }
    } catch (BundleException e) {
      LOG.log(Level.ERROR, "A bundle that waited for " + service + " does not start", e);
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "The framework stopped before its late bundles were started", e);
    }
  }
}
