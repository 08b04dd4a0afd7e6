// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.vsock.wire.Wire;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class OutflowTest {

  private static final long PLENTY = 1L << 40;
  private static final Limits LIMITS =
      new Limits(Wire.MAX_MESSAGE, 100_000, Wire.MAX_MESSAGE, 4 * Wire.MAX_MESSAGE);

  private final AtomicLong held = new AtomicLong();
  private final Outflow.Batch batch = new Outflow.Batch();

  @Test
  void lanesTakeTurnsByBytes() {
    Outflow out = outflow(true, PLENTY);
    Flow loud = flow();
    for (int i = 0; i < 60; i++) {
      out.offer(loud, item(60_000));
    }
    Outflow.Item small = item(100);
    out.offer(flow(), small);
    assertThat(out.take(batch)).isTrue();
    assertThat(batch.items.indexOf(small)).isBetween(0, 2);
  }

  @Test
  void whoComesAgainAndAgainHasOneTurnLikeOthers() {
    Outflow out = outflow(true, PLENTY);
    Sender restless = sender();
    for (int i = 0; i < 60; i++) {
      out.offer(flow(restless), item(60_000));
    }
    assertThat(out.bytes(restless)).isEqualTo(60 * 60_000);
    Outflow.Item small = item(100);
    out.offer(flow(), small);
    assertThat(out.take(batch)).isTrue();
    assertThat(batch.items.indexOf(small)).isBetween(0, 2);
  }

  @Test
  void whatAnEarlierConnectionLeftHoldsUpTheNext() {
    Outflow out = outflow(true, 0);
    Sender sender = sender();
    Flow first = flow(sender);
    Flow next = flow(sender);
    assertThat(out.offer(first, item(110_000))).isEqualTo(Outflow.Offer.HELD_UP);
    assertThat(out.offer(next, item(100))).isEqualTo(Outflow.Offer.HELD_UP);
    assertThat(out.offer(flow(), item(100))).as("another's").isEqualTo(Outflow.Offer.TAKEN);
    out.credit(110_100);
    out.take(batch);
    assertThat(batch.released).containsExactly(first, next);
    assertThat(out.bytes(sender)).isEqualTo(100);
  }

  @Test
  void messageLargerThanATurnPasses() {
    Outflow out = outflow(true, PLENTY);
    out.offer(flow(), item(900_000));
    out.offer(flow(), item(900_000));
    assertThat(out.take(batch)).isTrue();
    assertThat(batch.items).isNotEmpty();
  }

  @Test
  void nothingGoesBeyondTheCreditButShortFrames() {
    Outflow out = outflow(true, 1000);
    Flow sender = flow();
    out.offer(sender, item(900));
    out.offer(sender, item(900));
    out.acknowledge(7);
    out.take(batch);
    assertThat(batch.items).hasSize(1);
    assertThat(batch.acknowledge).isEqualTo(7);
    out.pong();
    out.take(batch);
    assertThat(batch.items).isEmpty();
    assertThat(batch.pong).isTrue();
    out.credit(1000);
    out.take(batch);
    assertThat(batch.items).hasSize(1);
    assertThat(held).hasValue(0);
  }

  @Test
  void patientReceiverHoldsItsSenderUpAndLetsItGo() {
    Outflow out = outflow(true, PLENTY);
    Flow sender = flow();
    assertThat(out.offer(sender, item(90_000))).isEqualTo(Outflow.Offer.TAKEN);
    assertThat(out.offer(sender, item(90_000))).isEqualTo(Outflow.Offer.HELD_UP);
    assertThat(out.offer(sender, item(90_000))).isEqualTo(Outflow.Offer.TAKEN);
    out.take(batch);
    assertThat(batch.released).containsExactly(sender);
  }

  @Test
  void impatientReceiverHoldsNobodyUpAndOverflows() {
    Outflow out = outflow(false, 0);
    Flow sender = flow();
    long taken = 0;
    while (out.offer(sender, item(90_000)) == Outflow.Offer.TAKEN) {
      taken += 90_000;
      assertThat(taken).isLessThanOrEqualTo(LIMITS.queue());
    }
    assertThat(held.get()).isLessThanOrEqualTo(LIMITS.queue());
  }

  @Test
  void whoeverIsHeldUpIsLetGoWhenTheReceiverEnds() {
    Outflow out = outflow(true, 0);
    Flow sender = flow();
    out.offer(sender, item(900_000));
    assertThat(out.close()).containsExactly(sender);
    assertThat(held).hasValue(0);
    assertThat(out.offer(sender, item(10))).isEqualTo(Outflow.Offer.TAKEN);
    assertThat(held).hasValue(0);
    assertThat(out.take(batch)).isFalse();
  }

  @Test
  void refusalsAreBounded() {
    Outflow out = outflow(true, 0);
    int count = 0;
    while (out.denied(count)) {
      count++;
    }
    assertThat(count).isEqualTo(8192);
  }

  @Test
  void acknowledgementWaitsForAllWhoHoldUp() {
    Outflow back = outflow(true, PLENTY);
    Flow flow = new Flow(sender(), back, 1000);
    assertThat(flow.came(100)).isEqualTo(1);
    flow.hold();
    flow.hold();
    flow.done();
    flow.acknowledge();
    flow.release();
    back.pong();
    back.take(batch);
    assertThat(batch.acknowledge).isEqualTo(-1);
    flow.release();
    back.take(batch);
    assertThat(batch.acknowledge).isEqualTo(1);
    assertThat(flow.came(1000)).isEqualTo(2);
    flow.done();
    assertThat(flow.came(1)).as("beyond the window").isZero();
  }

  @Test
  void messageThatIsBeingDealtWithIsAcknowledgedAfterwards() {
    Outflow back = outflow(true, PLENTY);
    Flow flow = new Flow(sender(), back, 1000);
    flow.came(100);
    flow.done();
    flow.hold();
    assertThat(flow.came(100)).isEqualTo(2);
    flow.release();
    back.take(batch);
    assertThat(batch.acknowledge).isEqualTo(1);
    flow.done();
    flow.acknowledge();
    back.take(batch);
    assertThat(batch.acknowledge).isEqualTo(2);
  }

  private Outflow outflow(boolean patient, long credit) {
    return new Outflow(LIMITS, held, patient, credit);
  }

  private Flow flow() {
    return flow(sender());
  }

  private Flow flow(Sender sender) {
    return new Flow(sender, outflow(true, PLENTY), LIMITS.window());
  }

  private static Sender sender() {
    return new Sender(Peer.host(), "a");
  }

  private static Outflow.Item item(int size) {
    return new Outflow.Item(ByteBuffer.allocate(size - 6), new int[1]);
  }
}
