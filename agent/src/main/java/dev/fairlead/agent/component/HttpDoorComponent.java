// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.component;

import static java.lang.System.Logger.Level.INFO;

import dev.fairlead.agent.AgentService;
import dev.fairlead.agent.door.HttpDoor;
import dev.fairlead.http.HttpSettings;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Opens the HTTP door when the agent has said hello. */
@Component(
    service = {},
    immediate = true,
    configurationPid = "dev.fairlead.agent.http")
public final class HttpDoorComponent {

  private static final System.Logger log = System.getLogger(HttpDoorComponent.class.getName());

  private final HttpDoor door;

  /** Settings. */
  @interface Config {
    /** Where to listen; empty: everywhere in a guest, 127.0.0.1 in a child process. */
    String host() default "";

    /** The port; {@code FAIRLEAD_HTTP_PORT} goes before it. */
    int port() default 9031;
  }

  /** Made by the service component runtime. */
  @Activate
  public HttpDoorComponent(@Reference AgentService agent, BundleContext context, Config config) {
    Surroundings around = Surroundings.ofProcess();
    int port = around.port("FAIRLEAD_HTTP_PORT", config.port());
    String host =
        !config.host().isEmpty()
            ? config.host()
            : around.isChildProcess() ? "127.0.0.1" : "0.0.0.0";
    HttpSettings settings = HttpSettings.at("agent", host, port);
    // In the guest only its own host reaches it, by a name that the guard does not know.
    door =
        new HttpDoor(
            agent,
            context.getBundle().getVersion().toString(),
            host.equals("0.0.0.0") ? settings.withoutGuard() : settings);
    log.log(INFO, "HTTP at port {0}", Integer.toString(door.port()));
  }

  @Deactivate
  void deactivate() {
    door.close();
  }
}
