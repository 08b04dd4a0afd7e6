// SPDX-License-Identifier: Apache-2.0
/** What runs inside the VM. */
module dev.fairlead.agent {
  requires dev.fairlead.delivery;
  requires dev.fairlead.http;
  requires transitive dev.fairlead.protocol;
  requires dev.fairlead.transport.api;
  requires static org.jspecify;
  requires static org.osgi.framework;
  requires static org.osgi.service.component.annotations;
  requires static osgi.annotation;

  exports dev.fairlead.agent;
  exports dev.fairlead.agent.spi;
}
