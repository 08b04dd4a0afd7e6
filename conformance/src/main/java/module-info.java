// SPDX-License-Identifier: Apache-2.0
/** Holds each transport that Fairlead brings to the contract; knows them by the SPI alone. */
module dev.fairlead.conformance {
  requires dev.fairlead.protocol;
  requires dev.fairlead.transport.tck;
  requires java.logging;
  requires static org.jspecify;

  // Contracts are found and called by reflection.
  opens dev.fairlead.conformance to
      org.junit.platform.commons;

  uses dev.fairlead.transport.access.AccessProvider;
  uses dev.fairlead.transport.api.TransportProvider;

  provides dev.fairlead.transport.tck.TransportContract with
      dev.fairlead.conformance.MqttContract,
      dev.fairlead.conformance.NatsContract,
      dev.fairlead.conformance.VsockContract;
}
