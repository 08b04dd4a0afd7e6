// SPDX-License-Identifier: Apache-2.0
/** A message to oneself over any transport. */
module dev.fairlead.roundtrip {
  requires dev.fairlead.transport.api;
  requires static org.jspecify;

  uses dev.fairlead.transport.access.AccessProvider;
  uses dev.fairlead.transport.api.TransportProvider;
}
