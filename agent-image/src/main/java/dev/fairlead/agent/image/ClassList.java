// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Which classes Java's archive shall hold, as {@code -XX:SharedClassListFile} wants it said. The
 * list follows from the jars and from a file of JDK classes that is part of this build; no run of
 * the program is watched for it, for no two runs load the same.
 *
 * <p>Classes of bundles are archived too, though Felix's class loaders define them: the archive
 * names each with its parents and its jar, and Java takes it from there when a loader defines the
 * same bytes over the same parents. All classes of a bundle are in the list, except from bundles
 * that only hold nested jars.
 */
final class ClassList {

  /** Classes older than Java 6 cannot be archived: their verification is another. */
  private static final int OLDEST = 50;

  private static final int NEWEST = 61;

  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final Set<String> jdk;
  private final List<String> lines = new ArrayList<>();
  private final List<String> special = new ArrayList<>();
  private int next;

  private record Jar(
      String place, Map<String, ClassHeader> classes, Set<String> imports, Set<String> exports) {}

  private ClassList(Set<String> jdk) {
    this.jdk = jdk;
  }

  /**
   * Makes the list.
   *
   * @param wanted names of JDK classes, and lines that begin with {@code @}; what does not exist is
   *     passed over
   */
  static String make(ImageInputs inputs, List<String> wanted) throws IOException {
    ClassList list = new ClassList(jdkClasses(inputs.javaHome()));
    list.addJdk(wanted);
    List<Jar> classPath = new ArrayList<>();
    for (Path jar : inputs.classPath()) {
      classPath.add(read(jar, "/app/lib/" + jar.getFileName()));
    }
    List<Jar> bundles = new ArrayList<>();
    for (Path jar : inputs.bundles()) {
      bundles.add(read(jar, "/app/bundles/" + jar.getFileName()));
    }
    list.addClassPath(classPath);
    list.addBundles(bundles, classPath);
    list.addSpecial(classPath);
    return String.join("\n", list.lines) + "\n";
  }

  private void addJdk(List<String> wanted) {
    for (String line : wanted) {
      if (line.startsWith("@")) {
        special.add(line);
      } else if (!line.isBlank() && !line.startsWith("#") && jdk.contains(line)) {
        plain(line);
      }
    }
  }

  /** Lambdas of classes that Java's own loaders load; those of bundles cannot be archived. */
  private void addSpecial(List<Jar> classPath) {
    for (String line : special) {
      String[] words = line.split(" ", 3);
      boolean ours =
          words.length > 1
              && classPath.stream().anyMatch(jar -> jar.classes().containsKey(words[1]));
      if (!line.startsWith("@lambda-proxy ") || ours || jdk.contains(words[1])) {
        lines.add(line);
      }
    }
  }

  private int plain(String name) {
    Integer known = ids.get(name);
    if (known != null) {
      return known;
    }
    int id = next++;
    ids.put(name, id);
    lines.add(name + " id: " + id);
    return id;
  }

  private void addClassPath(List<Jar> jars) {
    for (Jar jar : jars) {
      for (ClassHeader header : jar.classes().values()) {
        if (usable(header) && known(header, jars)) {
          plain(header.name());
        }
      }
    }
  }

  /** Whether all ancestors can be found, so that loading it will not fail. */
  private boolean known(ClassHeader header, List<Jar> jars) {
    List<String> ancestors = new ArrayList<>(header.interfaces());
    if (header.parent() != null) {
      ancestors.add(header.parent());
    }
    for (String ancestor : ancestors) {
      ClassHeader found = null;
      for (Jar jar : jars) {
        found = found == null ? jar.classes().get(ancestor) : found;
      }
      if (found == null ? !jdk.contains(ancestor) : !known(found, jars)) {
        return false;
      }
    }
    return true;
  }

  private void addBundles(List<Jar> bundles, List<Jar> classPath) {
    Map<String, Map<String, Integer>> done = new HashMap<>();
    Set<String> names = new HashSet<>();
    for (Jar bundle : bundles) {
      for (ClassHeader header : bundle.classes().values()) {
        addBundled(header, bundle, bundles, classPath, done, names, 0);
      }
    }
  }

  /** Adds a bundle's class after its ancestors, and returns its number; null if it cannot be. */
  private @Nullable Integer addBundled(
      ClassHeader header,
      Jar bundle,
      List<Jar> bundles,
      List<Jar> classPath,
      Map<String, Map<String, Integer>> done,
      Set<String> names,
      int depth) {
    Map<String, Integer> ofBundle = done.computeIfAbsent(bundle.place(), place -> new HashMap<>());
    Integer known = ofBundle.get(header.name());
    if (known != null) {
      return known;
    }
    if (!usable(header) || depth > 64 || names.contains(header.name())) {
      return null;
    }
    for (Jar jar : classPath) {
      // The framework hands out its own packages before any bundle's.
      if (jar.classes().containsKey(header.name())) {
        return null;
      }
    }
    List<Integer> ancestors = new ArrayList<>();
    List<String> family = new ArrayList<>();
    family.add(header.parent() == null ? "java/lang/Object" : header.parent());
    family.addAll(header.interfaces());
    for (String ancestor : family) {
      Integer id = find(ancestor, bundle, bundles, classPath, done, names, depth);
      if (id == null) {
        return null;
      }
      ancestors.add(id);
    }
    if (!names.add(header.name())) {
      return null;
    }
    int id = next++;
    StringBuilder line = new StringBuilder(header.name()).append(" id: ").append(id);
    line.append(" super: ").append(ancestors.get(0));
    if (ancestors.size() > 1) {
      line.append(" interfaces:");
      ancestors.subList(1, ancestors.size()).forEach(one -> line.append(' ').append(one));
    }
    lines.add(line.append(" source: ").append(bundle.place()).toString());
    ofBundle.put(header.name(), id);
    return id;
  }

  /** The number of the class that a name means within a bundle. */
  private @Nullable Integer find(
      String name,
      Jar bundle,
      List<Jar> bundles,
      List<Jar> classPath,
      Map<String, Map<String, Integer>> done,
      Set<String> names,
      int depth) {
    if (jdk.contains(name)) {
      return plain(name);
    }
    String folder = folder(name);
    if (bundle.imports().contains(folder)) {
      for (Jar jar : classPath) {
        if (jar.classes().containsKey(name)) {
          return ids.get(name);
        }
      }
      for (Jar other : bundles) {
        ClassHeader header = other.classes().get(name);
        if (header != null && other.exports().contains(folder)) {
          return addBundled(header, other, bundles, classPath, done, names, depth + 1);
        }
      }
    }
    ClassHeader own = bundle.classes().get(name);
    return own == null ? null : addBundled(own, bundle, bundles, classPath, done, names, depth + 1);
  }

  private static boolean usable(ClassHeader header) {
    return header.major() >= OLDEST && header.major() <= NEWEST && header.parent() != null;
  }

  private static String folder(String name) {
    return name.substring(0, Math.max(0, name.lastIndexOf('/')));
  }

  private static Jar read(Path file, String place) throws IOException {
    Map<String, ClassHeader> classes = new TreeMap<>();
    try (JarFile jar = new JarFile(file.toFile())) {
      for (Enumeration<? extends ZipEntry> all = jar.entries(); all.hasMoreElements(); ) {
        ZipEntry entry = all.nextElement();
        String name = entry.getName();
        if (name.endsWith(".class")
            && !name.startsWith("META-INF/")
            && !name.endsWith("module-info.class")) {
          try (InputStream in = jar.getInputStream(entry)) {
            ClassHeader header = ClassHeader.read(in.readAllBytes());
            if (name.equals(header.name() + ".class")) {
              classes.put(header.name(), header);
            }
          }
        }
      }
      Manifest manifest = jar.getManifest();
      return new Jar(
          place,
          classes,
          packages(manifest, "Import-Package"),
          packages(manifest, "Export-Package"));
    }
  }

  /** The packages of a manifest's header, with slashes. */
  static Set<String> packages(@Nullable Manifest manifest, String header) {
    Set<String> packages = new LinkedHashSet<>();
    String value = manifest == null ? null : manifest.getMainAttributes().getValue(header);
    if (value != null) {
      // A clause is names and parameters, separated by semicolons; quoted text may hold a comma.
      for (String clause : value.replaceAll("\"[^\"]*\"", "").split(",", -1)) {
        for (String part : clause.split(";", -1)) {
          if (!part.isBlank() && part.indexOf('=') < 0) {
            packages.add(part.strip().replace('.', '/'));
          }
        }
      }
    }
    return packages;
  }

  private static Set<String> jdkClasses(Path javaHome) throws IOException {
    Set<String> names = new HashSet<>();
    for (String module : JavaRuntime.MODULES) {
      Path file = javaHome.resolve("jmods").resolve(module + ".jmod");
      try (ZipFile zip = new ZipFile(file.toFile())) {
        zip.stream()
            .map(ZipEntry::getName)
            .filter(name -> name.startsWith("classes/") && name.endsWith(".class"))
            .map(name -> name.substring("classes/".length(), name.length() - ".class".length()))
            .forEach(names::add);
      }
    }
    return names;
  }
}
