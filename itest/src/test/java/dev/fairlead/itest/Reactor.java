// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The modules of this build, as the parent pom lists them: tests grow with it by themselves. */
final class Reactor {

  private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| ([0-9]+|–) \\|(.+)\\|$");
  private static final Pattern NAME = Pattern.compile("`(?:libs/)?([a-z0-9-]+)`");

  /**
   * One module.
   *
   * @param folder relative to the reactor's root: {@code libs/lib-grpc}
   */
  record Module(String folder) {

    /** The artifactId, which is the folder's name. */
    String name() {
      return folder.substring(folder.lastIndexOf('/') + 1);
    }

    /** The name of the bundle, of the JPMS module, and of the root package. */
    String fullName() {
      return "dev.fairlead." + name().replace('-', '.');
    }

    /** Third-party code, wrapped: not ours to hold to the house's rules. */
    boolean isLibrary() {
      return folder.startsWith("libs/");
    }

    Path classes() {
      return target().resolve("classes");
    }

    /** The jar that this build has made; fails when there is none. */
    Path jar() {
      try (Stream<Path> files = Files.list(target())) {
        Pattern own = Pattern.compile(Pattern.quote(name()) + "-\\d[^-]*\\.jar");
        return files
            .filter(file -> own.matcher(file.getFileName().toString()).matches())
            .findFirst()
            .orElseThrow(
                () -> new AssertionError("%s has no jar: run mvn verify.".formatted(folder)));
      } catch (IOException e) {
        throw new AssertionError("%s is not built: run mvn verify.".formatted(folder), e);
      }
    }

    Manifest manifest() {
      try (JarFile jar = new JarFile(jar().toFile())) {
        Manifest manifest = jar.getManifest();
        return manifest == null ? new Manifest() : manifest;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Nullable String header(String name) {
      return manifest().getMainAttributes().getValue(name);
    }

    boolean isBundle() {
      return header("Bundle-SymbolicName") != null;
    }

    private Path target() {
      return root().resolve(folder).resolve("target");
    }

    @Override
    public String toString() {
      return folder;
    }
  }

  private Reactor() {}

  /** The folder of the parent pom. */
  static Path root() {
    String given = System.getProperty("reactor.dir");
    Path root = given == null ? Path.of("").toAbsolutePath().getParent() : Path.of(given);
    if (root == null || !Files.exists(root.resolve("pom.xml"))) {
      throw new AssertionError("Run in a module's folder, or with -Dreactor.dir=<checkout>.");
    }
    return root;
  }

  /** All modules that have code of their own. */
  static List<Module> modules() {
    return MODULE
        .matcher(read(root().resolve("pom.xml")))
        .results()
        .map(found -> new Module(found.group(1)))
        .filter(
            module ->
                Files.exists(root().resolve(module.folder()).resolve("src/main/java"))
                    || module.isLibrary())
        .toList();
  }

  /** The floor of each module, as docs/architecture.md tells it; libraries are below all. */
  static Map<String, Integer> floors() {
    Map<String, Integer> floors = new TreeMap<>();
    for (MatchResult row :
        ROW.matcher(read(root().resolve("docs/architecture.md"))).results().toList()) {
      int floor = row.group(1).equals("–") ? 0 : Integer.parseInt(row.group(1));
      NAME.matcher(row.group(2)).results().forEach(name -> floors.put(name.group(1), floor));
    }
    return floors;
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
