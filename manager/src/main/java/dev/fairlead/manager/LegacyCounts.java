// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import org.osgi.annotation.versioning.ProviderType;

/**
 * What came of the frames of agents of 2024, of all VMs of this host since it is served. Counted
 * apart, since what such an agent repeats is stored again. An OSGi service; safe for use by several
 * threads.
 */
@ProviderType
public interface LegacyCounts {

  /** That were read and understood. */
  long taken();

  /** That were stored, and answered. */
  long answered();

  /** That were none: their connection was closed. */
  long refused();
}
