// SPDX-License-Identifier: Apache-2.0
/** The vsock transport. Everything in it is reached through the transport SPI alone. */
module dev.fairlead.transport.vsock {
  requires dev.fairlead.transport.api;
  requires dev.fairlead.transport.base;
  requires static dev.fairlead.lib.junixsocket; // AF_VSOCK; UNIX sockets do without
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static org.osgi.service.component.annotations;

  provides dev.fairlead.transport.api.TransportProvider with
      dev.fairlead.transport.vsock.VsockTransportProvider;
  provides dev.fairlead.transport.access.AccessProvider with
      dev.fairlead.transport.vsock.access.VsockAccessProvider;
}
