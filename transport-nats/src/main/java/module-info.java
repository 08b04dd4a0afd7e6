// SPDX-License-Identifier: Apache-2.0
/** The NATS transport. Everything in it is reached through the transport SPI alone. */
module dev.fairlead.transport.nats {
  requires dev.fairlead.transport.api;
  requires dev.fairlead.transport.base;
  requires java.logging; // jnats
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static org.osgi.service.component.annotations;

  provides dev.fairlead.transport.api.TransportProvider with
      dev.fairlead.transport.nats.NatsTransportProvider;
  provides dev.fairlead.transport.access.AccessProvider with
      dev.fairlead.transport.nats.access.NatsAccessProvider;
}
