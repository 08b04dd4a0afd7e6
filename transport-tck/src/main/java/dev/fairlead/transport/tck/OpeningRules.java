// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** T2: opening. */
abstract class OpeningRules {

  private final Workbench workbench;

  OpeningRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t2_1_openDoesNotWaitForTheNetwork() {
    Peer peer = workbench.echo();
    workbench.harness().faults().kill();
    workbench.returns("open", peer::open);
    assertEquals(Transport.State.CONNECTING, peer.transport().state());
  }

  @Test
  void t2_2_missingEndpointIsRefused() {
    refusesToOpen(TransportProvider.ENDPOINT, null);
  }

  @Test
  void t2_3_malformedEndpointIsRefused() {
    for (String endpoint : List.of("", "no address at all", "::", "gopher://127.0.0.1:70")) {
      refusesToOpen(TransportProvider.ENDPOINT, endpoint);
    }
  }

  @Test
  void t2_4_malformedCaIsRefused() {
    for (String ca : List.of("", "abc", "g".repeat(64), "A".repeat(64))) {
      refusesToOpen(TransportProvider.CA_SHA256, ca);
    }
  }

  private void refusesToOpen(String name, @Nullable String value) {
    Peer peer = workbench.echo().set(name, value);
    TransportException why =
        assertThrows(
            TransportException.class, peer::open, () -> "opened with " + name + "=" + value);
    assertEquals(REFUSED, why.category());
    Workbench.requireWords(why);
  }

  @Test
  void t2_5_connectsToAPeerThatComesLater() {
    Peer peer = workbench.echo();
    workbench.harness().faults().kill();
    peer.open();
    workbench.harness().faults().restart();
    peer.untilConnected();
  }

  @Test
  void t2_6_settingsAreAskedAfreshAtEachConnect() {
    Peer peer = workbench.echo().connect();
    int asked = peer.asked(TransportProvider.CREDENTIAL);
    int told = peer.changes().size();
    workbench.harness().issuer().revoke(peer.subject());
    peer.with(issue(peer)).untilTold(told, Transport.State.CONNECTED);
    assertTrue(
        peer.asked(TransportProvider.CREDENTIAL) > asked, "the credential was not asked for again");
  }

  @Test
  void t2_7_endpointThatDoesNotLeadToTheCaIsRefused() {
    assumeTrue(
        workbench.harness().issuer().endpoint().caSha256() != null,
        "This endpoint shows no certificate.");
    Peer peer = workbench.echo().set(TransportProvider.CA_SHA256, "0".repeat(64)).open();
    peer.untilRefused(null);
    assertEquals(Transport.State.CONNECTING, peer.transport().state());
    assertEquals(List.of(), peer.changes(), "it was told to be connected");
  }

  @Test
  void t2_8_refusedCredentialIsToldAndTriedAgain() {
    Peer peer = workbench.echo();
    workbench.harness().issuer().revoke(peer.subject());
    peer.open().untilRefused(null);
    assertEquals(Transport.State.CONNECTING, peer.transport().state());
    peer.refusals().forEach(refusal -> assertEquals(REFUSED, refusal.why().category()));
    peer.refusals().forEach(refusal -> Workbench.requireWords(refusal.why()));
    peer.with(issue(peer)).untilConnected();
  }

  @Test
  void t2_9_connectsToAPeerThatWasStalled() {
    Peer peer = workbench.echo();
    workbench.harness().faults().stall();
    workbench.returns("open", peer::open);
    workbench.harness().faults().resume();
    peer.untilConnected();
  }

  private Credential issue(Peer peer) {
    return workbench.harness().issuer().issue(peer.grant(), Workbench.LIFETIME);
  }
}
