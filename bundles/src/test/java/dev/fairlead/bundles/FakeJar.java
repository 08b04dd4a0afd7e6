// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.bundles.fake.FakeActivator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;

/** Makes the jar of a transport's bundle, as good or bad as a test wants it. */
final class FakeJar {

  static final String NAME = "dev.fairlead.transport.fake";
  private static final String IMPORTS =
      "dev.fairlead.transport.api,org.osgi.framework,org.jspecify.annotations;resolution:=optional";

  private final Map<String, @Nullable String> headers = new LinkedHashMap<>();

  private FakeJar(String version) {
    headers.put("Bundle-ManifestVersion", "2");
    headers.put("Bundle-SymbolicName", NAME);
    headers.put("Bundle-Version", version);
    headers.put("Bundle-Activator", FakeActivator.class.getName());
    headers.put("Import-Package", IMPORTS);
    headers.put(
        "Provide-Capability",
        "osgi.service;objectClass:List<String>=\"dev.fairlead.transport.api.TransportProvider\"");
  }

  static FakeJar of(String version) {
    return new FakeJar(version);
  }

  FakeJar fault(String fault) {
    return with("X-Fault", fault);
  }

  FakeJar importing(String packages) {
    return with("Import-Package", IMPORTS + "," + packages);
  }

  /** A header; null takes it away. */
  FakeJar with(String header, @Nullable String value) {
    headers.put(header, value);
    return this;
  }

  byte[] bytes() {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.forEach(
        (name, value) -> {
          if (value != null) {
            manifest.getMainAttributes().putValue(name, value);
          }
        });
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (Path file : classes()) {
        jar.putNextEntry(new ZipEntry("dev/fairlead/bundles/fake/" + file.getFileName()));
        try (InputStream in = Files.newInputStream(file)) {
          in.transferTo(jar);
        }
        jar.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static List<Path> classes() throws IOException {
    try (Stream<Path> files =
        Files.list(
            Path.of(FakeActivator.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .resolve("dev/fairlead/bundles/fake"))) {
      return files.sorted().toList();
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }
}
