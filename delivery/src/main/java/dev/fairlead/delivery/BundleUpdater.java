// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Puts newer versions of transports' bundles in the place of those that run, with the help of every
 * {@link LinkHolder}, for somebody who may not know how that is done. An OSGi service; safe for use
 * by several threads.
 */
public interface BundleUpdater {

  /**
   * A transport's bundle.
   *
   * @param state {@code active}, {@code resolved}…
   */
  record Standing(String bundle, String version, String state) {}

  /**
   * A jar that is to run.
   *
   * @param bundle its symbolic name, which its bytes must say too
   * @param version likewise
   * @param sha256 of its bytes, in lower-case hex
   * @param jar where it lies
   */
  record Order(String bundle, String version, String sha256, Path jar) {}

  /**
   * The new version runs.
   *
   * @param from the version that ran before
   * @param othersRefreshed how many other bundles lost their wiring meanwhile
   */
  record Outcome(String from, int othersRefreshed) {}

  /** All transports' bundles. Never blocks. */
  List<Standing> list();

  /**
   * Changes a bundle. Blocks for as long as that takes: seconds.
   *
   * @param permitted the digests that may come in, and no other
   * @param folder where jars that run are kept; nobody else's, made where it is not there
   * @throws DeliveryException when the old version runs on; code and sentence say why
   */
  Outcome update(Order order, Set<String> permitted, Path folder);
}
