// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.runtime.deployment.FeatureFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Says what can be deployed, and with which variables. */
@Command(
    name = "deployments",
    description = "Says what can be deployed, and with which variables.",
    mixinStandardHelpOptions = true)
final class DeploymentsCommand implements Callable<Integer> {

  @Mixin private Out out = new Out();

  /** Made by picocli. */
  DeploymentsCommand() {}

  @Override
  public Integer call() throws IOException {
    Installation installation = Installation.current();
    List<JsonValue> all = new ArrayList<>();
    for (String name : installation.deploymentNames()) {
      FeatureFile feature = installation.deployment(name);
      out.line("%-12s %s (%d bundles)".formatted(name, feature.title(), feature.bundles().size()));
      JsonObject.Builder variables = JsonObject.builder();
      for (Map.Entry<String, String> variable : feature.variables().entrySet()) {
        out.line("  %-26s %s".formatted(variable.getKey(), variable.getValue()));
        variables.put(variable.getKey(), variable.getValue());
      }
      all.add(
          JsonObject.builder()
              .put("name", name)
              .put("title", feature.title())
              .put("bundles", feature.bundles())
              .put("variables", variables.build())
              .build());
    }
    out.line(
        "A variable is set by --set NAME=VALUE, or by FAIRLEAD_NAME in the environment"
            + " (upper case, _ for . and -).");
    out.json(JsonObject.builder().put("deployments", JsonArray.of(all)).build());
    return ExitCode.DONE;
  }
}
