// SPDX-License-Identifier: Apache-2.0
/** Deployments, and the fairlead command's Java side. */
module dev.fairlead.runtime {
  requires dev.fairlead.launcher;
  requires info.picocli;
  requires org.apache.felix.feature;
  requires org.osgi.service.feature;
  requires static org.jspecify;

  exports dev.fairlead.runtime.deployment;

  uses org.osgi.service.feature.FeatureService;
}
