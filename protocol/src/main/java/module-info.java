// SPDX-License-Identifier: Apache-2.0
/** What is said: manifest, event, log record, heartbeat, command, request. */
module dev.fairlead.protocol {
  requires static org.jspecify;
  requires static osgi.annotation;
  requires tools.jackson.core;

  exports dev.fairlead.protocol;
  exports dev.fairlead.protocol.json;
}
