// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.deployment;

import dev.fairlead.launcher.Deployment;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.service.feature.Feature;
import org.osgi.service.feature.FeatureBundle;
import org.osgi.service.feature.FeatureService;
import org.osgi.service.feature.ID;

/**
 * A deployment's file: an OSGi Feature in JSON. {@code ${name}} in a configuration's values stands
 * for a variable; its value is, first found first: the caller's, the environment's ({@code
 * FAIRLEAD_} and the name in upper case, with {@code _} for {@code .} and {@code -}), the
 * feature's. In a list a value of several lines becomes several elements. A bundle with {@code
 * "start": false} is installed only; one with {@code "when": "variable=value"} is left out where
 * the variable has another value.
 */
public final class FeatureFile {

  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z0-9._-]+)}");
  private static final int MAX_DEPTH = 8;

  private final Path file;
  private final Feature feature;

  private FeatureFile(Path file, Feature feature) {
    this.file = file;
    this.feature = feature;
  }

  /**
   * Reads a file.
   *
   * @throws IOException when it cannot be read or is no feature: the message names the file
   */
  public static FeatureFile read(Path file) throws IOException {
    FeatureService service =
        ServiceLoader.load(FeatureService.class, FeatureFile.class.getClassLoader())
            .findFirst()
            .orElseThrow(() -> new IOException("No feature reader is on the class path."));
    try (Reader reader = Files.newBufferedReader(file)) {
      return new FeatureFile(file, service.readFeature(reader));
    } catch (IOException e) {
      throw new IOException("Deployment " + file + " cannot be read: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      // The reader throws what its JSON library throws.
      throw new IOException("Deployment " + file + " is no OSGi feature: " + e.getMessage(), e);
    }
  }

  /** Its name: the file's, without {@code .json}. */
  public String name() {
    String name = String.valueOf(file.getFileName());
    return name.endsWith(".json") ? name.substring(0, name.length() - 5) : name;
  }

  /** One sentence on what it is. */
  public String title() {
    return feature.getName().orElse(name());
  }

  /** Its bundles, as {@code group:artifact:version}, in the order of their start. */
  public List<String> bundles() {
    return feature.getBundles().stream().map(bundle -> bundle.getID().toString()).toList();
  }

  /** Its variables with the feature's own values. */
  public Map<String, String> variables() {
    Map<String, String> variables = new TreeMap<>();
    feature.getVariables().forEach((name, value) -> variables.put(name, String.valueOf(value)));
    return variables;
  }

  /**
   * Makes it flat.
   *
   * @param values of variables, by name; unknown names are refused
   * @param environment looks up a variable of the environment
   * @param folders where jars lie, named {@code artifact-version.jar}; the first that has one wins
   * @throws IOException when a variable is unknown or a jar is missing
   */
  public Deployment flatten(
      Map<String, String> values,
      Function<String, @Nullable String> environment,
      List<Path> folders)
      throws IOException {
    Map<String, String> variables = variables();
    variables.replaceAll(
        (name, value) -> {
          String given = environment.apply(environmentName(name));
          return given == null || given.isEmpty() ? value : given;
        });
    for (Map.Entry<String, String> entry : values.entrySet()) {
      if (!variables.containsKey(entry.getKey())) {
        throw new IOException(
            "Deployment %s has no variable '%s'; it has: %s."
                .formatted(name(), entry.getKey(), String.join(", ", variables.keySet())));
      }
      variables.put(entry.getKey(), entry.getValue());
    }
    List<Deployment.Entry> bundles = new ArrayList<>();
    for (FeatureBundle bundle : feature.getBundles()) {
      Map<String, Object> metadata = bundle.getMetadata();
      if (applies(metadata.get("when"), variables)) {
        boolean started = !"false".equals(String.valueOf(metadata.get("start")));
        Object after = metadata.get("after");
        bundles.add(
            new Deployment.Entry(
                find(bundle.getID(), folders),
                started,
                after == null ? null : String.valueOf(after)));
      }
    }
    Map<String, Map<String, Object>> configurations = new LinkedHashMap<>();
    for (var configuration : feature.getConfigurations().entrySet()) {
      Map<String, Object> expanded = new LinkedHashMap<>();
      for (var value : configuration.getValue().getValues().entrySet()) {
        expanded.put(value.getKey(), expand(value.getValue(), variables));
      }
      configurations.put(configuration.getKey(), expanded);
    }
    return new Deployment(name(), Map.of(), bundles, configurations);
  }

  /** The name that a variable has in the environment. */
  static String environmentName(String variable) {
    return "FAIRLEAD_" + variable.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  private boolean applies(@Nullable Object when, Map<String, String> variables) throws IOException {
    if (when == null) {
      return true;
    }
    String[] condition = String.valueOf(when).split("=", 2);
    if (condition.length != 2 || !variables.containsKey(condition[0])) {
      throw new IOException(
          "Deployment %s: '%s' is no condition of the form VARIABLE=VALUE."
              .formatted(name(), when));
    }
    return condition[1].equals(expand(String.valueOf(variables.get(condition[0])), variables, 0));
  }

  private Path find(ID id, List<Path> folders) throws IOException {
    String jar = id.getArtifactId() + "-" + id.getVersion() + ".jar";
    for (Path folder : folders) {
      Path candidate = folder.resolve(jar);
      if (Files.isRegularFile(candidate)) {
        return candidate.toAbsolutePath();
      }
    }
    throw new IOException(
        "Deployment %s names bundle %s, and %s lies in none of %s."
            .formatted(name(), id, jar, folders));
  }

  private Object expand(Object value, Map<String, String> variables) throws IOException {
    if (value instanceof String text) {
      return expand(text, variables, 0);
    }
    if (value instanceof String[] list) {
      List<String> expanded = new ArrayList<>();
      for (String element : list) {
        expanded.addAll(List.of(expand(element, variables, 0).split("\n", -1)));
      }
      return expanded.toArray(String[]::new);
    }
    return value;
  }

  private String expand(String text, Map<String, String> variables, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new IOException("Deployment " + name() + ": '" + text + "' refers to itself.");
    }
    Matcher matcher = VARIABLE.matcher(text);
    StringBuilder expanded = new StringBuilder();
    while (matcher.find()) {
      String value = variables.get(matcher.group(1));
      if (value == null) {
        throw new IOException(
            "Deployment %s uses '%s', which is no variable of it."
                .formatted(name(), matcher.group()));
      }
      matcher.appendReplacement(
          expanded, Matcher.quoteReplacement(expand(value, variables, depth + 1)));
    }
    return matcher.appendTail(expanded).toString();
  }
}
