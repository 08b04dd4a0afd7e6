// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.Configuration;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

/**
 * The packages that the guest's OSGi framework gives to bundles: its own, and those of Java that
 * some bundle asks for. By default Felix offers every package of Java, some hundreds, and an
 * emulated guest needs half a second at each start to read their declarations.
 */
public final class SystemPackages {

  /** The framework's property that holds them. */
  public static final String PROPERTY = "org.osgi.framework.system.packages";

  private static final String DEFAULTS = "default.properties";
  private static final String OWN = "osgi-exports";

  private SystemPackages() {}

  /**
   * The property's value.
   *
   * @param framework Felix' jar
   * @param bundles all that the guest may ever install
   * @throws ImageException {@code BROKEN}, code {@code bad-framework}, when the jar is another's
   */
  public static String of(Path framework, List<Path> bundles) throws IOException {
    Set<String> java = exportedByJava();
    NavigableSet<String> wanted = new TreeSet<>();
    for (Path bundle : bundles) {
      names(imports(bundle)).stream().filter(java::contains).forEach(wanted::add);
    }
    return own(framework) + "," + String.join(",", wanted);
  }

  private static Set<String> exportedByJava() {
    Set<String> exported = new HashSet<>();
    Configuration.empty()
        .resolve(ModuleFinder.ofSystem(), ModuleFinder.of(), JavaRuntime.MODULES)
        .modules()
        .forEach(
            module ->
                module.reference().descriptor().exports().stream()
                    .filter(export -> !export.isQualified())
                    .map(ModuleDescriptor.Exports::source)
                    .forEach(exported::add));
    return exported;
  }

  private static String imports(Path bundle) throws IOException {
    try (JarFile jar = new JarFile(bundle.toFile())) {
      Manifest manifest = jar.getManifest();
      String header =
          manifest == null ? null : manifest.getMainAttributes().getValue("Import-Package");
      return header == null ? "" : header;
    }
  }

  /** The packages that a header names: {@code a.b;version="[1,2)",c.d;e.f;resolution:=optional}. */
  static List<String> names(String header) {
    List<String> names = new ArrayList<>();
    for (String clause : header.replaceAll("\"[^\"]*\"", "").split(",", -1)) {
      Arrays.stream(clause.split(";", -1))
          .map(String::strip)
          .filter(word -> !word.isEmpty() && word.indexOf('=') < 0)
          .forEach(names::add);
    }
    return names;
  }

  private static String own(Path framework) throws IOException {
    try (JarFile jar = new JarFile(framework.toFile())) {
      JarEntry entry = jar.getJarEntry(DEFAULTS);
      if (entry != null) {
        Properties defaults = new Properties();
        try (InputStream in = jar.getInputStream(entry)) {
          defaults.load(in);
        }
        String own = defaults.getProperty(OWN);
        if (own != null) {
          return own.strip();
        }
      }
    }
    throw new ImageException(
        Category.BROKEN,
        "bad-framework",
        framework + " does not say which packages are its own: build the distribution again.");
  }
}
