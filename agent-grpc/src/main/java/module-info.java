// SPDX-License-Identifier: Apache-2.0
/**
 * The agent's gRPC door, and its client. gRPC itself is no set of named modules: in OSGi it is the
 * bundle {@code lib-grpc}, elsewhere the class path.
 */
module dev.fairlead.agent.grpc {
  requires dev.fairlead.agent;
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static org.osgi.service.component.annotations;

  exports dev.fairlead.agent.grpc;
}
