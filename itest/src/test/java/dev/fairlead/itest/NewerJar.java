// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/** A jar once more, with another manifest: what the next release would bring. */
final class NewerJar {

  private NewerJar() {}

  /**
   * Makes one.
   *
   * @param headers that it has instead
   */
  static byte[] of(Path jar, String version, Map<String, String> headers) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JarFile old = new JarFile(jar.toFile())) {
      Manifest manifest = new Manifest(old.getManifest());
      manifest.getMainAttributes().putValue("Bundle-Version", version);
      headers.forEach(manifest.getMainAttributes()::putValue);
      try (JarOutputStream copy = new JarOutputStream(out, manifest);
          Stream<JarEntry> entries = old.stream()) {
        for (JarEntry entry : entries.toList()) {
          if (entry.isDirectory() || entry.getName().equals(JarFile.MANIFEST_NAME)) {
            continue;
          }
          copy.putNextEntry(new JarEntry(entry.getName()));
          try (InputStream in = old.getInputStream(entry)) {
            in.transferTo(copy);
          }
          copy.closeEntry();
        }
      }
    }
    return out.toByteArray();
  }
}
