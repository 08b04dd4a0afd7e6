// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * What there can be only one of, an issuer with its broker or hub, runs where there is a
 * configuration for it. While two versions of a bundle stand side by side the configurations belong
 * to one of them: the other offers its transports alone.
 *
 * <p>By the house's rule a configuration's PID begins with the name of the bundle it is for.
 */
final class Configurations {

  private static final String ANYBODY = "?";

  private final BundleContext context;

  Configurations(BundleContext context) {
    this.context = context;
  }

  /** From now on the configurations are one bundle's; it need not be the first that has them. */
  void keepFor(Bundle owner) {
    move(owner.getSymbolicName(), owner.getLocation());
  }

  /** From now on whoever bears the name has them. */
  void release(String symbolicName) {
    move(symbolicName, ANYBODY);
  }

  private void move(String symbolicName, String location) {
    for (Configuration configuration : of(symbolicName)) {
      if (!location.equals(configuration.getBundleLocation())) {
        configuration.setBundleLocation(location);
      }
    }
  }

  private List<Configuration> of(String symbolicName) {
    List<Configuration> own = new ArrayList<>();
    ServiceReference<ConfigurationAdmin> reference = reference();
    ConfigurationAdmin admin = reference == null ? null : context.getService(reference);
    if (reference == null || admin == null) {
      return own;
    }
    try {
      Configuration[] all = admin.listConfigurations(null);
      for (Configuration each : all == null ? new Configuration[0] : all) {
        String pid = each.getFactoryPid() == null ? each.getPid() : each.getFactoryPid();
        if (pid.equals(symbolicName) || pid.startsWith(symbolicName + ".")) {
          own.add(each);
        }
      }
      return own;
    } catch (IOException | InvalidSyntaxException e) {
      throw ChangeException.broken(
          "no-configurations", "The configurations cannot be read: " + e.getMessage(), e);
    } finally {
      context.ungetService(reference);
    }
  }

  private @Nullable ServiceReference<ConfigurationAdmin> reference() {
    try {
      return context.getServiceReference(ConfigurationAdmin.class);
    } catch (NoClassDefFoundError e) {
      return null; // This framework has no Configuration Admin, whose import is optional.
    }
  }
}
