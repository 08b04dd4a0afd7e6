// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/** Offers plain processes as a service, as configured. */
@Component(
    configurationPid = "dev.fairlead.hypervisor.process",
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "name=" + ProcessHypervisor.NAME)
public final class ProcessHypervisorComponent implements Hypervisor {

  private final ProcessHypervisor hypervisor;

  /** What may be configured; see {@link ProcessSettings}. */
  public @interface Config {
    /** Program and arguments; an element of several lines is several words. */
    String[] command();

    /** Each {@code NAME=value}. */
    String[] environment() default {};
  }

  /**
   * Reads the configuration.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-setting}
   */
  @Activate
  public ProcessHypervisorComponent(Config config) {
    List<String> command =
        Arrays.stream(config.command()).flatMap(String::lines).filter(w -> !w.isEmpty()).toList();
    if (command.isEmpty()) {
      throw refuse("The setting command is empty; name the program that starts an agent.");
    }
    Map<String, String> environment = new HashMap<>();
    for (String variable : config.environment()) {
      int equals = variable.indexOf('=');
      if (equals < 1) {
        throw refuse("An entry of the setting environment is NAME=value, not " + variable);
      }
      environment.put(variable.substring(0, equals), variable.substring(equals + 1));
    }
    hypervisor =
        new ProcessHypervisor(new ProcessSettings(command, environment), InstantSource.system());
  }

  /** Lets go of all agents, which go on. */
  @Deactivate
  public void stop() {
    hypervisor.close();
  }

  @Override
  public String name() {
    return hypervisor.name();
  }

  @Override
  public URI reach(URI endpoint, Path runDirectory) {
    return hypervisor.reach(endpoint, runDirectory);
  }

  @Override
  public Vm start(VmSpec spec, VmListener listener) {
    return hypervisor.start(spec, listener);
  }

  @Override
  public Optional<Vm> adopt(Path runDirectory, VmListener listener) {
    return hypervisor.adopt(runDirectory, listener);
  }

  private static HypervisorException refuse(String sentence) {
    return new HypervisorException(HypervisorException.Category.REFUSED, "bad-setting", sentence);
  }
}
