// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** T11: access. */
abstract class AccessRules {

  private final Workbench workbench;

  AccessRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t11_1_grantOpensWhatItCovers() {
    Line line = Line.open(workbench);
    line.agent().deliver(line.up(), "up");
    workbench.arrives(line.inbox(), 1);
    Inbox exact = line.agent().subscribe(line.down());
    Inbox all = line.agent().subscribe(line.agent().own("down/**"));
    workbench.stands(exact, line.collector(), line.down());
    workbench.stands(all, line.collector(), line.down());
    line.collector().deliver(line.down(), "down");
    workbench.arrives(exact, 1);
    workbench.arrives(all, 1);
    assertEquals(List.of(), line.agent().refusals());
  }

  @Test
  void t11_2_whatIsSentElsewhereReachesNobody() {
    Line line = Line.open(workbench);
    String fleet = line.up().substring(0, line.up().indexOf('/'));
    Peer other = workbench.agent(fleet, workbench.subject()).connect();
    Inbox others = other.subscribe(other.own("down/**"));
    workbench.stands(others, line.collector(), other.own("down/commands"));
    for (String address : List.of(other.own("up/logs"), other.own("down/commands"))) {
      CompletionStage<Void> stage = line.agent().send(Workbench.message(address, "forged"));
      workbench.outcome(stage);
    }
    line.fence(workbench);
    line.collector().deliver(other.own("down/commands"), "true");
    workbench.arrives(others, 1);
    assertEquals(List.of("true"), others.texts());
    assertEquals(List.of("fence"), line.inbox().texts());
  }

  @Test
  void t11_3_refusedSendIsTold() {
    Peer peer = workbench.echo().connect();
    String address = "elsewhere/" + peer.subject() + "/up";
    CompletionStage<Void> stage = peer.send(Workbench.message(address, "x"));
    if (workbench.has(Capability.REFUSED_SEND)) {
      workbench.fails(stage, REFUSED);
    } else {
      workbench.succeeds(stage);
    }
    peer.untilRefused(address);
    refusalsAreSound(peer);
  }

  @Test
  void t11_4_subscriptionElsewhereReceivesNothing() {
    Line line = Line.open(workbench);
    String fleet = line.up().substring(0, line.up().indexOf('/'));
    Peer curious = workbench.agent(fleet, workbench.subject()).connect();
    List<Inbox> inboxes =
        List.of(
            curious.subscribe(line.up()),
            curious.subscribe(fleet + "/*/up/**"),
            curious.subscribe(fleet + "/**"),
            curious.subscribe("**"),
            curious.subscribe(curious.own("**")));
    Inbox own = curious.subscribe(curious.own("down/**"));
    workbench.stands(own, line.collector(), curious.own("down/commands"));
    line.fence(workbench);
    line.collector().deliver(curious.own("down/commands"), "own");
    workbench.arrives(own, 1);
    for (Inbox inbox : inboxes) {
      List<String> strange =
          inbox.messages().stream()
              .map(Message::address)
              .filter(address -> !address.startsWith(curious.own("down/")))
              .toList();
      assertEquals(List.of(), strange, "received from elsewhere");
    }
  }

  @Test
  void t11_5_refusedSubscriptionIsTold() {
    Peer peer = workbench.echo().connect();
    String elsewhere = "elsewhere/" + peer.subject() + "/**";
    String wider = peer.own("").replaceFirst("/[^/]+/$", "/**");
    peer.subscribe(elsewhere);
    peer.subscribe(wider);
    if (workbench.has(Capability.REFUSED_SUBSCRIBE)) {
      peer.untilRefused(elsewhere);
      peer.untilRefused(wider);
      refusalsAreSound(peer);
    } else {
      workbench.stands(peer.subscribe(peer.own("a")), peer, peer.own("a"));
      assertFalse(peer.refused(elsewhere) || peer.refused(wider), () -> "" + peer.refusals());
    }
  }

  private static void refusalsAreSound(Peer peer) {
    for (Peer.Refusal refusal : peer.refusals()) {
      assertEquals(REFUSED, refusal.why().category());
      Workbench.requireWords(refusal.why());
    }
  }

  @Test
  void t11_6_afterARefusalTheTransportGoesOn() {
    Peer peer = workbench.echo().connect();
    Inbox inbox = peer.subscribe(peer.own("a"));
    peer.subscribe("elsewhere/" + peer.subject());
    String address = "elsewhere/" + peer.subject();
    workbench.outcome(peer.send(Workbench.message(address, "x")));
    peer.untilRefused(address);
    workbench.stands(inbox, peer, peer.own("a"));
    peer.deliver(peer.own("a"), "permitted");
    workbench.arrives(inbox, 1);
  }

  @Test
  void t11_7_revokedSubjectIsShutOut() {
    Peer peer = workbench.echo().connect();
    int told = peer.changes().size();
    issuer().revoke(peer.subject());
    peer.untilTold(told, State.CONNECTING).untilRefused(null);
    refusalsAreSound(peer);
    assertEquals(State.CONNECTING, peer.transport().state());
    assertEquals(told + 1, peer.changes().size(), () -> "told: " + peer.changes());
  }

  @Test
  void t11_8_revocationDisturbsNobodyElse() {
    Line line = Line.open(workbench);
    Peer other = workbench.echo().connect();
    issuer().revoke(other.subject());
    other.untilConnecting();
    line.fence(workbench);
    assertEquals(1, line.agent().changes().size(), () -> "told: " + line.agent().changes());
    assertEquals(1, line.collector().changes().size(), () -> "" + line.collector().changes());
  }

  @Test
  void t11_9_credentialIssuedAfterARevocationIsValid() {
    Peer revoked = workbench.echo().connect();
    issuer().revoke(revoked.subject());
    Peer again = workbench.peer(revoked.grant()).connect();
    workbench.stands(again.subscribe(again.own("a")), again, again.own("a"));
  }

  @Test
  void t11_10_renewalLeavesTheEarlierValid() {
    Peer first = workbench.echo().connect();
    Peer second = workbench.peer(first.grant()).connect();
    workbench.stands(first.subscribe(first.own("a")), second, second.own("a"));
    int told = first.changes().size();
    workbench.harness().faults().kill();
    first.untilTold(told, State.CONNECTING);
    workbench.harness().faults().restart();
    first.untilTold(told, State.CONNECTED);
  }

  @Test
  void t11_11_expiredCredentialOpensNothing() {
    Grant grant = workbench.echo().grant();
    Peer peer = workbench.peer(grant, issuer().issue(grant, shortLife())).connect();
    int told = peer.changes().size();
    peer.untilTold(told, State.CONNECTING).untilRefused(null);
    peer.with(issuer().issue(grant, Workbench.LIFETIME)).untilTold(told, State.CONNECTED);
  }

  @Test
  void t11_12_impossibleLifetimeIsRefused() {
    Grant grant = workbench.echo().grant();
    for (Duration lifetime :
        List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofDays(30).plusSeconds(1))) {
      TransportException why =
          assertThrows(
              TransportException.class, () -> issuer().issue(grant, lifetime), "" + lifetime);
      assertEquals(REFUSED, why.category());
      Workbench.requireWords(why);
    }
    assertEquals(grant.subject(), issuer().issue(grant, Duration.ofDays(30)).subject());
  }

  @Test
  void t11_13_credentialFitsAKernelCommandLine() {
    Peer longest = workbench.agent("f".repeat(64), "s".repeat(64));
    for (Grant grant : List.of(workbench.echo().grant(), longest.grant())) {
      Credential credential = issuer().issue(grant, Workbench.LIFETIME);
      assertTrue(
          credential.content().matches("[ -~]{1,1200}"),
          () -> credential.content().length() + " characters: " + credential);
      assertEquals(grant.subject(), credential.subject());
      assertTrue(
          credential.expiresAt().isAfter(issuer().issue(grant, shortLife()).expiresAt()),
          "a longer lifetime ends later");
      assertFalse(credential.toString().contains(credential.content()));
    }
  }

  @Test
  void t11_14_revokingWhoHasNothingChangesNothing() {
    Peer peer = workbench.echo().connect();
    issuer().revoke(workbench.subject());
    issuer().revoke(workbench.subject());
    workbench.stands(peer.subscribe(peer.own("a")), peer, peer.own("a"));
    assertEquals(1, peer.changes().size(), () -> "told: " + peer.changes());
  }

  @Test
  void t11_15_noWordHoldsACredential() {
    Grant grant = workbench.echo().grant();
    Credential credential = issuer().issue(grant, Workbench.LIFETIME);
    Peer peer = workbench.peer(grant, credential).connect();
    peer.subscribe("elsewhere/" + peer.subject());
    Throwable failure =
        workbench.outcome(peer.send(Workbench.message("elsewhere/" + peer.subject(), "x")));
    issuer().revoke(peer.subject());
    peer.untilRefused(null);
    peer.transport().close();
    StringBuilder words = new StringBuilder();
    peer.changes().forEach(change -> words.append(change.reason()).append('\n'));
    peer.refusals().forEach(refusal -> append(words, refusal.why()));
    append(words, failure);
    // Half of it would be too much as well.
    String content = credential.content();
    assertFalse(words.indexOf(content.substring(content.length() / 2)) >= 0, "a secret is told");
  }

  private static void append(StringBuilder words, @Nullable Throwable failure) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      words.append(each).append('\n');
    }
  }

  @Test
  void t11_16_restartOfThePeerForgetsNothing() {
    Peer valid = workbench.echo().connect();
    Peer revoked = workbench.echo();
    issuer().revoke(revoked.subject());
    int told = valid.changes().size();
    workbench.harness().faults().kill();
    valid.untilConnecting();
    workbench.harness().faults().restart();
    valid.untilTold(told, State.CONNECTED);
    revoked.open().untilRefused(null);
    assertEquals(List.of(), revoked.changes(), "a revoked credential opened the door");
  }

  /** Long enough to connect, and over within the patience. */
  private Duration shortLife() {
    long seconds = workbench.harness().patience().toSeconds() / 2;
    return Duration.ofSeconds(Math.max(1, Math.min(3, seconds)));
  }

  private CredentialIssuer issuer() {
    return workbench.harness().issuer();
  }
}
