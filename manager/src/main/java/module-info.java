// SPDX-License-Identifier: Apache-2.0
/** One per host: starts VMs, watches them from outside, ends them. */
module dev.fairlead.manager {
  requires static org.jspecify;
  requires static osgi.annotation;
  requires transitive dev.fairlead.hypervisor.api;
  requires transitive dev.fairlead.protocol;
  requires dev.fairlead.http;

  exports dev.fairlead.manager;
}
