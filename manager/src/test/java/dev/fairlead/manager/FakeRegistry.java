// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.protocol.ComputationDigest;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.TransportFact;
import java.net.URI;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/** Hands out ids as the real one does: the wanted one, or with a number while that is in use. */
final class FakeRegistry implements Registry {

  final List<String> told = new CopyOnWriteArrayList<>();
  final Set<String> requests = new HashSet<>();
  private final Map<String, String> digests = new HashMap<>();
  private final Set<String> active = new HashSet<>();
  private int credentials;
  volatile boolean away;

  /** Done once, before whoever told of an end learns that it is known. */
  final AtomicReference<Runnable> beforeAnswer = new AtomicReference<>(() -> {});

  private void requireHere() {
    if (away) {
      throw new ManagerException(
          ManagerException.Category.RETRY, "registry-unreachable", "Start it.");
    }
  }

  @Override
  public synchronized Registration register(byte[] manifest) {
    requireHere();
    String wanted = Manifest.parse(manifest).id();
    String id = wanted;
    for (int i = 2; active.contains(id); i++) {
      id = wanted + "-" + i;
    }
    digests.put(id, ComputationDigest.of(manifest));
    return begin(id);
  }

  @Override
  public synchronized Registration renew(String computation) {
    requireHere();
    if (!digests.containsKey(computation)) {
      throw new ManagerException(
          ManagerException.Category.REFUSED, "unknown-computation", "It is not known.");
    }
    if (active.contains(computation)) {
      throw new ManagerException(
          ManagerException.Category.REFUSED, "vm-not-ended", "Its end was not reported.");
    }
    return begin(computation);
  }

  private Registration begin(String id) {
    active.add(id);
    return new Registration(
        id,
        digests.getOrDefault(id, ""),
        List.of(new TransportFact("nats", URI.create("tls://localhost:4222"), "ab".repeat(32))),
        "credential-" + ++credentials,
        Instant.EPOCH.plusSeconds(3600));
  }

  @Override
  public synchronized void ended(String request, String computation, String kind, String reason) {
    requireHere();
    if (requests.add(request)) {
      active.remove(computation);
      told.add(computation + " " + kind + " " + reason);
    }
    beforeAnswer.getAndSet(() -> {}).run();
  }

  @Override
  public boolean isConnected() {
    return !away;
  }
}
