// SPDX-License-Identifier: Apache-2.0
/** What runs inside the VM. */
module dev.fairlead.agent {
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.agent;
  exports dev.fairlead.agent.spi;
}
