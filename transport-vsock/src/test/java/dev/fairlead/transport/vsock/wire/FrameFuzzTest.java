// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.api.Message;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What frames do with bytes that nobody should have sent: refuse them, and nothing else. */
class FrameFuzzTest {

  private static final List<Wire.Side> SIDES = List.of(Wire.Side.values());
  private static final int INPUTS = Boolean.getBoolean("fairlead.full") ? 1_000_000 : 50_000;

  @Test
  void framesArriveAsTheyWerePut() throws IOException {
    Message message =
        new Message("a/b", Map.of("x", "1"), ByteBuffer.wrap(new byte[300_000]), "c/d");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    FrameWriter out =
        new FrameWriter(Channels.newChannel(bytes), ByteBuffer.allocateDirect(Buffers.SIZE));
    out.greet();
    out.begin(Wire.SEND, Messages.size(message));
    Messages.put(message, out);
    out.end();
    out.empty(Wire.PING);
    out.flush();
    FrameReader in = reader(bytes.toByteArray(), Wire.Side.HUB);
    assertThat(in.greeting()).containsExactly(Wire.VERSION, Wire.VERSION);
    assertThat(Messages.read(in.next().body())).isEqualTo(message);
    assertThat(in.next().kind()).isEqualTo(Wire.PING);
    assertThatThrownBy(in::next).isInstanceOf(EOFException.class);
  }

  @Test
  void frameThatIsTooLongIsRefusedByItsHead() {
    byte[] head = {0x7f, -1, -1, -1, Wire.SEND};
    assertThatThrownBy(() -> reader(head, Wire.Side.HUB).next())
        .isInstanceOfSatisfying(
            WireException.class, e -> assertThat(e.code()).isEqualTo("frame-too-long"));
  }

  @Test
  void changedByteIsNoticed() throws IOException {
    Random random = new Random(7);
    for (int i = 0; i < 1000; i++) {
      byte[] frame = message(new byte[random.nextInt(40)]);
      frame[Wire.HEAD + random.nextInt(frame.length - Wire.HEAD)] ^=
          (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> reader(frame, Wire.Side.HUB).next())
          .isInstanceOfSatisfying(
              WireException.class, e -> assertThat(e.code()).isEqualTo("bad-checksum"));
    }
  }

  @Test
  void whateverComesIsRefusedOrWithinItsLimits() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.getLogger("fuzz").log(System.Logger.Level.INFO, "-Dfuzz.seed={0}", "" + seed);
    Random random = new Random(seed);
    int frames = 0;
    int refused = 0;
    for (int i = 0; i < INPUTS; i++) {
      Wire.Side side = SIDES.get(random.nextInt(SIDES.size()));
      FrameReader in = reader(spoilt(random), side);
      try {
        while (true) {
          FrameReader.Frame frame = in.next();
          frames++;
          assertThat(frame.body().remaining()).isLessThanOrEqualTo(side.limit(frame.kind()));
          if (frame.kind() == Wire.SEND) {
            Messages.read(frame.body());
          }
        }
      } catch (IOException e) {
        refused++;
      } catch (RuntimeException | Error e) {
        throw new AssertionError("input " + i + " of -Dfuzz.seed=" + seed, e);
      }
    }
    assertThat(refused).isEqualTo(INPUTS);
    assertThat(frames).as("some got as far as their content").isPositive();
  }

  @Test
  void messagesThatBreakALimitAreRefused() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < INPUTS; i++) {
      byte[] body = new byte[random.nextInt(64)];
      random.nextBytes(body);
      if (body.length > 8) {
        body[0] = 0;
        body[1] = (byte) random.nextInt(8);
        Arrays.fill(body, 2, 2 + body[1], (byte) "a/".charAt(random.nextInt(2)));
      }
      try {
        Message read = Messages.read(ByteBuffer.wrap(body));
        assertThat(read.headers().size()).isLessThanOrEqualTo(16);
      } catch (WireException e) {
        assertThat(e.code()).isEqualTo("bad-message");
      } catch (RuntimeException | Error e) {
        throw new AssertionError("input " + i + " of -Dfuzz.seed=" + seed, e);
      }
    }
  }

  /** Valid, cut short, changed, longer than it says, of another version, or noise. */
  private static byte[] spoilt(Random random) {
    byte[] bytes = valid(random);
    switch (random.nextInt(6)) {
      case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      case 2 -> ByteBuffer.wrap(bytes).putInt(0, random.nextInt());
      case 3 -> bytes[4] = (byte) random.nextInt();
      case 4 -> random.nextBytes(bytes);
      default -> {}
    }
    return bytes;
  }

  private static byte[] valid(Random random) {
    byte[] body = new byte[random.nextInt(40)];
    random.nextBytes(body);
    return random.nextBoolean()
        ? message(body)
        : frame(1 + random.nextInt(13), out -> out.bytes(ByteBuffer.wrap(body)), body.length);
  }

  private static byte[] message(byte[] payload) {
    Message message = new Message("f/c/up/logs", payload);
    return frame(Wire.SEND, out -> Messages.put(message, out), Messages.size(message));
  }

  private interface Body {
    void put(FrameWriter out) throws IOException;
  }

  private static byte[] frame(int kind, Body body, int length) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    FrameWriter out = new FrameWriter(Channels.newChannel(bytes), ByteBuffer.allocate(64));
    try {
      out.begin(kind, length);
      body.put(out);
      out.end();
      out.flush();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  private static FrameReader reader(byte[] bytes, Wire.Side side) {
    return new FrameReader(
        Channels.newChannel(new ByteArrayInputStream(bytes)), ByteBuffer.allocate(256), side);
  }
}
