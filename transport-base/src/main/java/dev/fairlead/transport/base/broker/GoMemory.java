// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import java.util.Map;

/**
 * What a server written in Go is told of its memory. Go collects each time the heap has doubled,
 * and a broker holds hardly anything: so it would collect all the time, which takes a third of what
 * batches of records cost it.
 */
public final class GoMemory {

  /**
   * Its environment: collected when the heap is nine times what was left by the last time, or
   * sooner as all of it comes near to 512 MiB.
   */
  public static final Map<String, String> ENVIRONMENT =
      Map.of("GOGC", "800", "GOMEMLIMIT", "512MiB");

  private GoMemory() {}
}
