// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Builds an image with {@link SampleAgent} in it; a program, so that it can run in any setting. */
public final class SampleImage {

  private SampleImage() {}

  /** Arguments: the cache, and a folder for the sample's jars. Prints the report. */
  public static void main(String[] args) throws IOException {
    System.out.println("report " + build(Path.of(args[0]), Path.of(args[1])));
  }

  static ImageReport build(Path cache, Path jars) throws IOException {
    return new ImageBuilder(cache).build(inputs(jars), step -> System.out.println("step " + step));
  }

  static ImageInputs inputs(Path jars) throws IOException {
    Files.createDirectories(jars);
    return new ImageInputs(
        // Not the JDK of this run: a newer one may come without the modules that jlink needs.
        Path.of(System.getProperty("build.jdk", System.getProperty("java.home"))),
        List.of(jar(jars.resolve("sample.jar"), SampleAgent.class)),
        SampleAgent.class.getName(),
        List.of("/app/deployment", "two words"),
        List.of(jar(jars.resolve("bundle.jar"), CacheKey.class, Digests.class)),
        "a deployment\n");
  }

  private static Path jar(Path file, Class<?>... types) throws IOException {
    try (ZipOutputStream jar = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Class<?> type : types) {
        String name = type.getName().replace('.', '/') + ".class";
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(java.time.LocalDateTime.of(2026, 1, 1, 0, 0));
        jar.putNextEntry(entry);
        try (InputStream in = type.getResourceAsStream("/" + name)) {
          if (in == null) {
            throw new IOException(name + " is not on the class path");
          }
          in.transferTo(jar);
        }
      }
    }
    return file;
  }
}
