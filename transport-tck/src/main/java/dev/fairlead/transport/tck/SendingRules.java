// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** T3: sending. */
abstract class SendingRules {

  private static final int MANY = 2000;
  private static final String INDEX = "tck-index";

  private final Workbench workbench;

  SendingRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t3_1_messageArrivesWhole() {
    Line line = Line.open(workbench);
    byte[] payload = new byte[256];
    for (int i = 0; i < payload.length; i++) {
      payload[i] = (byte) i;
    }
    Map<String, String> headers = Map.of("a", "1", "fl-v", "", "x-y-9", " ~!\"%:\\= ");
    Message sent = new Message(line.up(), headers, ByteBuffer.wrap(payload), line.down());
    line.agent().deliver(sent);
    workbench.arrives(line.inbox(), 1);
    Message received = line.inbox().messages().get(0);
    assertEquals(sent.address(), received.address());
    assertEquals(headers, received.headers());
    assertArrayEquals(payload, received.bytes());
    assertEquals(sent.replyTo(), received.replyTo());
  }

  @Test
  void t3_2_nothingIsLost() {
    Line line = Line.open(workbench);
    line.agent().deliverAll(MANY, i -> Workbench.message(line.up(), "" + i));
    Set<String> missing =
        IntStream.range(0, MANY)
            .mapToObj(i -> "" + i)
            .collect(Collectors.toCollection(TreeSet::new));
    workbench.until(
        () -> "all have arrived; these have not: " + missing,
        () -> {
          missing.removeAll(Set.copyOf(line.inbox().texts()));
          return missing.isEmpty();
        });
  }

  @Test
  void t3_3_nothingArrivesTwice() {
    Line line = Line.open(workbench);
    line.agent().deliverAll(MANY, i -> Workbench.message(line.up(), "" + i));
    line.fence(workbench);
    line.fence(workbench);
    Map<String, Long> counts =
        line.inbox().texts().stream()
            .filter(text -> !text.equals("fence"))
            .collect(Collectors.groupingBy(text -> text, Collectors.counting()));
    counts.values().removeIf(count -> count == 1);
    assertEquals(Map.of(), counts, "arrived more than once");
  }

  @Test
  void t3_4_nothingIsAltered() {
    Line line = Line.open(workbench);
    line.agent()
        .deliverAll(
            MANY, i -> new Message(line.up(), Map.of(INDEX, "" + i), ByteBuffer.wrap(noise(i))));
    workbench.arrives(line.inbox(), MANY);
    for (Message message : line.inbox().messages()) {
      int index = Integer.parseInt(message.headers().getOrDefault(INDEX, "-1"));
      assertArrayEquals(noise(index), message.bytes(), "payload of message " + index);
    }
  }

  private static byte[] noise(int seed) {
    Random random = new Random(seed);
    byte[] bytes = new byte[1 + random.nextInt(2000)];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void t3_5_sendNeverBlocks() {
    Peer peer = workbench.echo().connect();
    workbench.harness().faults().stall();
    byte[] payload = new byte[4096];
    workbench.returns(
        "send",
        () -> {
          for (int i = 0; i < 1000; i++) {
            peer.send(new Message(peer.own("a"), payload));
          }
        });
  }

  @Test
  void t3_6_sendWithoutConnectionFailsAsRetry() {
    Peer peer = workbench.echo().connect();
    workbench.harness().faults().kill();
    peer.untilConnecting();
    CompletionStage<Void> stage =
        assertDoesNotThrow(() -> peer.send(Workbench.message(peer.own("a"), "x")), "send throws");
    workbench.fails(stage, RETRY);
  }

  @Test
  void t3_7_acknowledgesAsDeclared() {
    Peer peer = workbench.echo().connect();
    workbench.harness().faults().stall();
    CompletionStage<Void> stage = peer.send(Workbench.message(peer.own("a"), "x"));
    if (workbench.has(Capability.ACKNOWLEDGED_SEND)) {
      // A stalled peer acknowledges nothing: the loss of the connection decides.
      workbench.fails(stage, RETRY);
    } else {
      workbench.succeeds(stage);
    }
  }

  @Test
  void t3_8_anyBufferWillDoAndIsLeftAsItWas() {
    Line line = Line.open(workbench);
    byte[] bytes = "..payload..".getBytes(UTF_8);
    ByteBuffer heap = ByteBuffer.wrap(bytes).position(2).limit(9);
    ByteBuffer direct = ByteBuffer.allocateDirect(11).put(bytes).position(2).limit(9);
    for (ByteBuffer buffer :
        List.of(heap, direct, heap.asReadOnlyBuffer(), heap.slice(), direct.slice())) {
      int before = line.inbox().size();
      int position = buffer.position();
      int limit = buffer.limit();
      line.agent().deliver(new Message(line.up(), Map.of(), buffer));
      assertEquals(position, buffer.position(), "position of " + buffer);
      assertEquals(limit, buffer.limit(), "limit of " + buffer);
      workbench.arrives(line.inbox(), before + 1);
      assertEquals("payload", line.inbox().texts().get(before), "sent from " + buffer);
    }
  }

  @Test
  void t3_9_replyAddressLeadsBack() {
    Line line = Line.open(workbench);
    Inbox answers = line.agent().subscribe(line.down());
    workbench.stands(answers, line.collector(), line.down());
    line.inbox()
        .then(
            question ->
                line.collector()
                    .send(
                        Workbench.message(
                            question.replyTo() == null ? "no/reply" : question.replyTo(),
                            "answer to " + Workbench.text(question))));
    line.agent()
        .deliver(
            new Message(
                line.up(), Map.of(), ByteBuffer.wrap("question".getBytes(UTF_8)), line.down()));
    workbench.arrives(answers, 1);
    assertEquals(List.of("answer to question"), answers.texts());
  }

  @Test
  void t3_10_bufferMayBeUsedAgainOnceTheSendIsDone() {
    Line line = Line.open(workbench);
    ByteBuffer buffer = ByteBuffer.allocate(8);
    int count = 200;
    for (int i = 0; i < count; i++) {
      buffer.putLong(0, i);
      line.agent().deliver(new Message(line.up(), Map.of(), buffer));
    }
    workbench.arrives(line.inbox(), count);
    List<Long> expected = IntStream.range(0, count).mapToObj(i -> (long) i).toList();
    assertEquals(
        expected,
        line.inbox().messages().stream().map(message -> message.payload().getLong(0)).toList());
  }

  @Test
  void t3_11_whatNobodyStoresIsNotCalledStored() {
    Line line = Line.open(workbench);
    CompletionStage<Void> stage =
        assertDoesNotThrow(
            () -> line.agent().transport().sendStored(Workbench.message(line.up(), "x")),
            "sendStored throws");
    if (workbench.has(Capability.STORED)) {
      assertNotNull(workbench.outcome(stage), "A message was called stored that nobody stores.");
    } else {
      workbench.fails(stage, REFUSED);
      assertEquals(List.of(), line.inbox().texts(), "what was refused is not sent");
    }
  }
}
