// SPDX-License-Identifier: Apache-2.0
/** Breaks what carries lines, from a seed, and counts what became of each line. */
module dev.fairlead.bench {
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static io.nats.jnats; // baselines
  requires static org.apache.felix.framework; // agents that change their transport
  requires static org.eclipse.paho.mqttv5.client;
  requires dev.fairlead.computations;
  requires dev.fairlead.delivery;
  requires dev.fairlead.hypervisor.process;
  requires dev.fairlead.protocol;
  requires dev.fairlead.transport.api;
  requires dev.fairlead.transport.base;
  requires jdk.management;

  exports dev.fairlead.bench.chaos;
  exports dev.fairlead.bench.results;
  exports dev.fairlead.bench.rig;
  exports dev.fairlead.bench.run;

  uses dev.fairlead.transport.access.AccessProvider;
  uses dev.fairlead.transport.api.TransportProvider;
  uses org.osgi.framework.launch.FrameworkFactory;
}
