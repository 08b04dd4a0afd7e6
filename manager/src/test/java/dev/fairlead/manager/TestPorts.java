// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** Ports that nobody uses, so that tests disturb nobody. */
final class TestPorts {

  private static final int COUNT = 104;

  private TestPorts() {}

  static ManagerSettings.Ports free() {
    for (int attempt = 0; attempt < 200; attempt++) {
      int base = ThreadLocalRandom.current().nextInt(12_000, 30_000);
      if (isFree(base)) {
        return new ManagerSettings.Ports(
            base, base + 1, base + 2, 22, 9031, 7002, base + 3, base + COUNT - 1);
      }
    }
    throw new IllegalStateException("No block of free ports was found.");
  }

  private static boolean isFree(int base) {
    for (int port = base; port < base + COUNT; port++) {
      try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        probe.setReuseAddress(true);
      } catch (IOException e) {
        return false;
      }
    }
    return true;
  }
}
