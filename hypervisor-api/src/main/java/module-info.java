// SPDX-License-Identifier: Apache-2.0
/** The VM SPI: start, find again, watch from outside, end. */
module dev.fairlead.hypervisor.api {
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.hypervisor.api;
  exports dev.fairlead.hypervisor.host;
}
