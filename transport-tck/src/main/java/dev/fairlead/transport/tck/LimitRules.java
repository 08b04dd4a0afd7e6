// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.fail;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** T9: limits. */
abstract class LimitRules {

  private static final int MAX_WAITING = 64 << 20;
  private static final int AT_ONCE = 16;

  private final Workbench workbench;

  LimitRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t9_1_largestPayloadPasses() {
    Peer peer = workbench.echo().connect();
    passes(peer, new Message(peer.own("a"), noise(Message.MAX_PAYLOAD)));
  }

  @Test
  void t9_2_emptyPayloadPasses() {
    Peer peer = workbench.echo().connect();
    passes(peer, new Message(peer.own("a"), new byte[0]));
    passes(peer, new Message(peer.own("a"), Map.of("fl-v", "1"), ByteBuffer.allocate(0)));
  }

  @Test
  void t9_3_mostAndLongestHeadersPass() {
    Peer peer = workbench.echo().connect();
    passes(peer, new Message(peer.own("a"), headers(), ByteBuffer.wrap(noise(10))));
  }

  @Test
  void t9_4_longestAddressPasses() {
    Peer peer = longest().connect();
    String address = peer.grant().sends().get(0);
    passes(peer, new Message(address, Map.of(), ByteBuffer.wrap(noise(10)), address));
  }

  @Test
  void t9_5_allLimitsAtOncePass() {
    Peer peer = longest().connect();
    String address = peer.grant().sends().get(0);
    passes(
        peer,
        new Message(address, headers(), ByteBuffer.wrap(noise(Message.MAX_PAYLOAD)), address));
  }

  @Test
  void t9_6_whatWaitsForAStalledPeerIsBounded() {
    Peer peer = workbench.echo().connect();
    workbench.harness().faults().stall();
    byte[] payload = noise(256 << 10);
    // Twice the bound: what the peer had read before it stalled does not wait.
    for (int sent = 0; sent < 2 * MAX_WAITING; sent += payload.length) {
      CompletableFuture<Void> stage =
          peer.send(new Message(peer.own("a"), payload)).toCompletableFuture();
      if (stage.isCompletedExceptionally()) {
        Throwable failure = workbench.outcome(stage);
        assertEquals(RETRY, assertInstanceOf(TransportException.class, failure).category());
        return;
      }
    }
    fail("Twice %d bytes wait for a stalled peer.".formatted(MAX_WAITING));
  }

  @Test
  void t9_7_sixteenMayBeUnderWayAtOnce() {
    Peer peer = workbench.echo().connect();
    Inbox inbox = peer.subscribe(peer.own("a"));
    for (int round = 1; round <= 20; round++) {
      List<CompletionStage<Void>> stages = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        stages.add(peer.send(new Message(peer.own("a"), noise(10_000))));
      }
      stages.forEach(workbench::succeeds);
      workbench.arrives(inbox, round * AT_ONCE);
    }
  }

  /** A peer whose one address has eight segments of 64 characters. */
  private Peer longest() {
    String subject = workbench.subject();
    StringBuilder address = new StringBuilder();
    for (String start : List.of(workbench.fleet(), subject, "c", "d", "e", "f", "g", "h")) {
      address.append(address.isEmpty() ? "" : "/").append(start);
      address.append("x".repeat(64 - start.length()));
    }
    List<String> own = List.of(address.toString());
    return workbench.peer(new Grant(subject, own, own));
  }

  private void passes(Peer peer, Message sent) {
    Inbox inbox = peer.subscribe(sent.address());
    peer.deliver(sent);
    workbench.arrives(inbox, 1);
    Message received = inbox.messages().get(0);
    assertEquals(sent.address(), received.address());
    assertEquals(new TreeMap<>(sent.headers()), new TreeMap<>(received.headers()));
    assertArrayEquals(sent.bytes(), received.bytes());
    assertEquals(sent.replyTo(), received.replyTo());
  }

  private static Map<String, String> headers() {
    Map<String, String> headers = new TreeMap<>();
    for (int i = 0; i < 16; i++) {
      headers.put((char) ('a' + i) + "-".repeat(30) + "9", ("~" + i).repeat(200).substring(0, 256));
    }
    return headers;
  }

  private static byte[] noise(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }
}
