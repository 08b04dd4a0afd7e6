// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.refused;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;

/**
 * What a jar says that it is. Read from bytes that may be anybody's.
 *
 * @param symbolicName the bundle's name
 * @param transport whether it declares a transport's provider
 */
record BundleJar(String symbolicName, Version version, boolean transport) {

  /** The most bytes of a jar: three times the largest that there is. */
  static final int MOST_BYTES = 32 << 20;

  private static final int MOST_MANIFEST = 1 << 20;
  private static final int MOST_VERSION = 64;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

  /**
   * Reads a jar's bytes.
   *
   * @throws ChangeException REFUSED: {@code not-there}, {@code too-large}, {@code not-readable}
   */
  static byte[] bytes(Path file) {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw refused("not-there", "There is no file %s.".formatted(file));
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MOST_BYTES + 1);
      if (bytes.length > MOST_BYTES) {
        throw refused(
            "too-large",
            "%s has more than %d MiB: no transport is that large."
                .formatted(file, MOST_BYTES >> 20));
      }
      return bytes;
    } catch (IOException e) {
      throw new ChangeException(
          ChangeException.Category.RETRY,
          "not-readable",
          "%s cannot be read: %s.".formatted(file, e.getMessage()),
          e);
    }
  }

  /**
   * Reads its manifest.
   *
   * @throws ChangeException REFUSED {@code no-bundle}
   */
  static BundleJar read(byte[] jar) {
    Manifest manifest = manifest(jar);
    if (manifest == null) {
      throw refused("no-bundle", "The file is no jar with a manifest at its head.");
    }
    Attributes headers = manifest.getMainAttributes();
    String name = head(headers.getValue(Constants.BUNDLE_SYMBOLICNAME));
    if (name == null || !NAME.matcher(name).matches()) {
      throw refused("no-bundle", "The jar's manifest names no bundle (Bundle-SymbolicName).");
    }
    if (headers.getValue(Constants.FRAGMENT_HOST) != null) {
      throw refused("no-bundle", name + " is a fragment of another bundle, and no bundle itself.");
    }
    String version = headers.getValue(Constants.BUNDLE_VERSION);
    if (version != null && version.length() > MOST_VERSION) {
      throw refused(
          "no-bundle", name + " has a version of more than %d letters.".formatted(MOST_VERSION));
    }
    try {
      return new BundleJar(
          name,
          Version.parseVersion(version),
          declaresTransport(headers.getValue(Constants.PROVIDE_CAPABILITY)));
    } catch (IllegalArgumentException e) {
      throw new ChangeException(
          ChangeException.Category.REFUSED,
          "no-bundle",
          "%s has the version '%s', which is none.".formatted(name, version),
          e);
    }
  }

  /** Whether a bundle says that it offers transports, in the words that the build writes. */
  static boolean declaresTransport(@Nullable String capabilities) {
    return capabilities != null
        && capabilities.contains("dev.fairlead.transport.api.TransportProvider");
  }

  /** Without unpacking more than a manifest may have: a jar may be anybody's. */
  private static @Nullable Manifest manifest(byte[] jar) {
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(jar))) {
      ZipEntry entry = in.getNextEntry();
      if (entry != null && entry.getName().equals("META-INF/")) {
        entry = in.getNextEntry();
      }
      if (entry == null || !entry.getName().equals(JarFile.MANIFEST_NAME)) {
        return null;
      }
      byte[] text = in.readNBytes(MOST_MANIFEST + 1);
      return text.length > MOST_MANIFEST ? null : new Manifest(new ByteArrayInputStream(text));
    } catch (IOException | IllegalArgumentException e) {
      return null; // Told by whoever asked.
    }
  }

  private static @Nullable String head(@Nullable String header) {
    return header == null ? null : header.split(";", 2)[0].strip();
  }
}
