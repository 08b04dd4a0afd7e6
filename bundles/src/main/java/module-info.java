// SPDX-License-Identifier: Apache-2.0
/** Takes newer transports into a running framework. */
module dev.fairlead.bundles {
  requires static jdk.jfr;
  requires static org.jspecify;
  requires static org.osgi.framework;
  requires static org.osgi.service.cm;
  requires static org.osgi.service.component.annotations;
  requires static osgi.annotation;
  requires dev.fairlead.delivery;
  requires dev.fairlead.http;
  requires dev.fairlead.protocol;
  requires dev.fairlead.transport.api;

  exports dev.fairlead.bundles;
}
