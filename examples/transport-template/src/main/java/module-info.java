// SPDX-License-Identifier: Apache-2.0
/** A transport to begin from. */
module dev.fairlead.transport.template {
  requires dev.fairlead.transport.base;
  requires static org.jspecify;

  provides dev.fairlead.transport.api.TransportProvider with
      dev.fairlead.transport.template.TemplateTransportProvider;
}
