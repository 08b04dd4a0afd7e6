// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.PeerAdmission;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** vsock, over a real hub. */
@InFelix({"transport-api", "transport-base", "transport-vsock", "lib-junixsocket"})
class VsockInFelixIT extends TransportInFelix {

  VsockInFelixIT() {
    super("vsock");
  }

  @Test
  void vmsAreAdmittedByTheirNumber() throws Exception {
    Path folder = Files.createTempDirectory("fl-it-");
    Map<String, String> hub = Map.of("dir", folder.toString(), "port", "19998");
    try (CredentialIssuer issuer = service(AccessProvider.class).open(hub::get)) {
      // Listens at AF_VSOCK, by the native library of the other bundle.
      assertInstanceOf(PeerAdmission.class, issuer)
          .admit("123", URI.create("vsock://4711"))
          .close();
    } finally {
      delete(folder);
    }
  }
}
