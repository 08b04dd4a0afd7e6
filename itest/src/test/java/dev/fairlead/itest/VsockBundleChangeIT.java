// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

/** The bundle of transport-vsock is changed, over a hub in this process. */
@InFelix({
  "jackson-core",
  "transport-api",
  "transport-base",
  "lib-junixsocket",
  "transport-vsock",
  "protocol",
  "delivery",
  "http",
  "bundles"
})
class VsockBundleChangeIT extends BundleChangeInFelix {

  VsockBundleChangeIT() {
    super("vsock");
  }
}
