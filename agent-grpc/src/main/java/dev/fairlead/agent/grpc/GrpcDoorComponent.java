// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import dev.fairlead.agent.AgentService;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Opens the gRPC door as soon as the agent is a service, and shuts it with it. */
@Component(
    service = GrpcDoorComponent.class,
    immediate = true,
    configurationPid = "dev.fairlead.agent.grpc")
public final class GrpcDoorComponent {

  private final AgentServer server;

  /** What may be configured. */
  public @interface Config {
    /**
     * The port, on all of the guest's addresses. {@code FAIRLEAD_GRPC_PORT} of the environment goes
     * before it, and means loopback: the agent is a child process.
     */
    int port() default 7002;
  }

  /**
   * Listens.
   *
   * @throws IOException when it cannot
   */
  @Activate
  public GrpcDoorComponent(Config config, @Reference AgentService agent) throws IOException {
    String given = System.getenv("FAIRLEAD_GRPC_PORT");
    server =
        AgentServer.start(
            agent,
            given == null || given.isEmpty()
                ? new InetSocketAddress(config.port())
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(given)));
  }

  /** Shuts the door. */
  @Deactivate
  public void stop() {
    server.close();
  }
}
