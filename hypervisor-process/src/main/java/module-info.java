// SPDX-License-Identifier: Apache-2.0
/** The agent as a plain child process: for development and load tests. */
module dev.fairlead.hypervisor.process {
  requires transitive dev.fairlead.hypervisor.api;
  requires dev.fairlead.protocol;
  requires static org.jspecify;
  requires static org.osgi.service.component.annotations;
  requires static osgi.annotation;

  exports dev.fairlead.hypervisor.process;
}
