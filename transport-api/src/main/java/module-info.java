// SPDX-License-Identifier: Apache-2.0
/** The transport SPI: bytes between addresses, and who may send them where. */
module dev.fairlead.transport.api {
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.transport.api;
  exports dev.fairlead.transport.access;
}
