// SPDX-License-Identifier: Apache-2.0
/** One per host: starts VMs, watches them from outside, ends them. */
module dev.fairlead.manager {
  requires static org.jspecify;
  requires static org.osgi.service.component.annotations;
  requires static osgi.annotation;
  requires transitive dev.fairlead.hypervisor.api;
  requires transitive dev.fairlead.protocol;
  requires dev.fairlead.delivery;
  requires dev.fairlead.http;
  requires dev.fairlead.transport.api;
  requires java.logging;

  exports dev.fairlead.manager;
}
