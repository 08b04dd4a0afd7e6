// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles.fake;

import dev.fairlead.transport.api.TransportProvider;
import java.util.Map;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;

/** A transport without a network, whose manifest says what is wrong with it ({@code X-Fault}). */
public final class FakeActivator implements BundleActivator {

  /** Made by the framework. */
  public FakeActivator() {}

  @Override
  public void start(BundleContext context) {
    String fault = String.valueOf(context.getBundle().getHeaders("").get("X-Fault"));
    if (fault.equals("start")) {
      throw new IllegalStateException("planted: it does not start");
    }
    if (fault.equals("mute")) {
      return;
    }
    context.registerService(
        TransportProvider.class,
        new FakeProvider(fault),
        FrameworkUtil.asDictionary(Map.of("transport.name", "fake")));
    if (!fault.equals("poor")) {
      context.registerService(Runnable.class, () -> {}, null);
    }
  }

  @Override
  public void stop(BundleContext context) {}
}
