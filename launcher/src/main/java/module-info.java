// SPDX-License-Identifier: Apache-2.0
/** Starts a flat deployment in Felix. */
module dev.fairlead.launcher {
  requires java.logging;
  requires org.apache.felix.framework;
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.launcher;

  uses org.osgi.framework.launch.FrameworkFactory;
}
