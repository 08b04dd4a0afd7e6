// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.TransportException;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Remembers whom it has let in. */
final class TestDoor implements PeerAdmission {

  final Map<String, String> inside = new ConcurrentHashMap<>();
  volatile @Nullable TransportException refusal;
  private final String transport;

  TestDoor(String transport) {
    this.transport = transport;
  }

  @Override
  public String transport() {
    return transport;
  }

  @Override
  public Admission admit(String subject, URI peer) {
    TransportException refuse = refusal;
    if (refuse != null) {
      throw refuse;
    }
    if (inside.putIfAbsent(subject, peer.toString()) != null) {
      throw new IllegalStateException(subject + " was let in already");
    }
    return () -> inside.remove(subject, peer.toString());
  }
}
