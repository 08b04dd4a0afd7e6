// SPDX-License-Identifier: Apache-2.0
/** What transports over a broker have in common. */
module dev.fairlead.transport.base {
  requires transitive dev.fairlead.transport.api;
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.transport.base;
  exports dev.fairlead.transport.base.broker;
}
