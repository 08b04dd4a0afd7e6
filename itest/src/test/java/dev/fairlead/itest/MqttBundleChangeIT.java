// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

/** The bundle of transport-mqtt is changed, over a real mosquitto. */
@InFelix({
  "jackson-core",
  "transport-api",
  "transport-base",
  "transport-mqtt",
  "protocol",
  "delivery",
  "http",
  "bundles"
})
class MqttBundleChangeIT extends BundleChangeInFelix {

  MqttBundleChangeIT() {
    super("mqtt");
  }
}
