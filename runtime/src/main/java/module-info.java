// SPDX-License-Identifier: Apache-2.0
/** Deployments, and the fairlead command's Java side. */
module dev.fairlead.runtime {
  requires dev.fairlead.agent.grpc;
  requires dev.fairlead.agent.image;
  requires dev.fairlead.bench;
  requires dev.fairlead.bundles;
  requires dev.fairlead.http;
  requires dev.fairlead.hypervisor.api;
  requires dev.fairlead.hypervisor.qemu;
  requires dev.fairlead.launcher;
  requires dev.fairlead.protocol;
  requires info.picocli;
  requires java.logging;
  requires org.apache.felix.feature;
  requires org.osgi.service.feature;
  requires static org.jspecify;

  exports dev.fairlead.runtime.cli;
  exports dev.fairlead.runtime.deployment;

  opens dev.fairlead.runtime.cli to
      info.picocli;

  uses org.osgi.service.feature.FeatureService;
}
