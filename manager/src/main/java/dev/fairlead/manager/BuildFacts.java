// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * From what this program was built.
 *
 * @param version of the release
 * @param commit of the sources, or {@code unknown}
 * @param time that the build stands for
 */
record BuildFacts(String version, String commit, String time) {

  /** What the build wrote down. */
  static BuildFacts read() {
    Properties properties = new Properties();
    try (InputStream in = BuildFacts.class.getResourceAsStream("build.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new BuildFacts(
        properties.getProperty("version", "unknown"),
        properties.getProperty("commit", "unknown"),
        properties.getProperty("time", "unknown"));
  }
}
