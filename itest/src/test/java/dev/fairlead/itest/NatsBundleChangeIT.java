// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

/** The bundle of transport-nats is changed, over a real nats-server. */
@InFelix({
  "jackson-core",
  "transport-api",
  "transport-base",
  "transport-nats",
  "protocol",
  "delivery",
  "http",
  "bundles"
})
class NatsBundleChangeIT extends BundleChangeInFelix {

  NatsBundleChangeIT() {
    super("nats");
  }
}
