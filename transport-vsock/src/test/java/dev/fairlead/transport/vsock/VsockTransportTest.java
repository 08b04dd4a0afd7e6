// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.vsock.wire.Buffers;
import dev.fairlead.transport.vsock.wire.FrameReader;
import dev.fairlead.transport.vsock.wire.FrameWriter;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An end that meets a hub which is not as it should be. */
@Timeout(60)
class VsockTransportTest implements TransportListener {

  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

  @Override
  public void stateChanged(Transport.State state, String reason) {
    told.add(state.name());
  }

  @Override
  public void refused(@Nullable String address, TransportException refusal) {
    told.add(refusal.code());
  }

  @ParameterizedTest
  @ValueSource(ints = {Wire.VERSION - 1, Wire.VERSION + 1})
  void hubOfAnotherVersionIsRefusedWithAClearCode(int version) throws Exception {
    byte spoken = (byte) version;
    try (FakeHub hub = new FakeHub();
        Transport transport = open(hub)) {
      try (SocketChannel end = hub.server.accept()) {
        end.write(ByteBuffer.wrap(new byte[] {'F', 'L', 'V', 'S', spoken, spoken, 0, 0}));
        assertThat(told.poll(20, SECONDS)).isEqualTo("version-not-supported");
      }
      assertThat(transport.state()).isEqualTo(Transport.State.CONNECTING);
    }
  }

  @Test
  void hubThatEndsBeforeItsWelcomeIsNotThereYet() throws Exception {
    try (FakeHub hub = new FakeHub();
        Transport transport = open(hub)) {
      hub.server.accept().close();
      hub.server.accept().close();
      try (SocketChannel end = hub.server.accept()) {
        welcome(end, Wire.MAX_MESSAGE);
        assertThat(told.poll(20, SECONDS)).isEqualTo("CONNECTED");
        assertThat(transport.state()).isEqualTo(Transport.State.CONNECTED);
      }
      assertThat(told.poll(20, SECONDS)).isEqualTo("CONNECTING");
    }
  }

  @Test
  void hubThatSaysWhatMakesNoSenseIsLeft() throws Exception {
    try (FakeHub hub = new FakeHub();
        Transport transport = open(hub)) {
      for (int kind : new int[] {Wire.ACK, Wire.DENIED, Wire.SEND, Wire.MESSAGE, 200}) {
        try (SocketChannel end = hub.server.accept()) {
          FrameWriter out = welcome(end, Wire.MAX_MESSAGE);
          assertThat(told.poll(20, SECONDS)).isEqualTo("CONNECTED");
          out.begin(kind, 8).put8(Long.MAX_VALUE).end();
          out.flush();
          assertThat(told.poll(20, SECONDS)).isEqualTo("CONNECTING");
        }
      }
      assertThat(transport.state()).isEqualTo(Transport.State.CONNECTING);
    }
  }

  @Test
  void nothingIsSentBeyondTheWindow() throws Exception {
    try (FakeHub hub = new FakeHub();
        Transport transport = open(hub);
        SocketChannel end = hub.server.accept()) {
      FrameWriter out = welcome(end, 1000);
      assertThat(told.poll(20, SECONDS)).isEqualTo("CONNECTED");
      byte[] payload = new byte[400];
      var first = transport.send(new Message("a/b", payload)).toCompletableFuture();
      var second = transport.send(new Message("a/b", payload)).toCompletableFuture();
      var third = transport.send(new Message("a/b", payload)).toCompletableFuture();
      FrameReader in = new FrameReader(end, ByteBuffer.allocate(Buffers.SIZE), Wire.Side.DOOR);
      in.greeting();
      in.next();
      in.as(Wire.Side.HUB);
      assertThat(in.next().kind()).isEqualTo(Wire.SEND);
      assertThat(in.next().kind()).isEqualTo(Wire.SEND);
      // A sign of life comes next: the third stays where it is.
      assertThat(in.next().kind()).isEqualTo(Wire.PING);
      assertThat(first).isNotDone();
      out.begin(Wire.ACK, 8).put8(1).end();
      out.flush();
      assertThat(first).succeedsWithin(20, SECONDS);
      assertThat(in.next().kind()).isEqualTo(Wire.SEND);
      assertThat(second).isNotDone();
      assertThat(third).isNotDone();
    }
  }

  @Test
  void messagesFlowAgainWhenAHandlerGoesOnThatStoodStillAcrossACut() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger handled = new AtomicInteger();
    Message message = new Message("a/b", new byte[900 << 10]);
    try (FakeHub hub = new FakeHub();
        Transport transport = open(hub)) {
      transport.subscribe(
          "a/b",
          each -> {
            try {
              go.await();
              handled.incrementAndGet();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      int before = 0;
      try (Feeder first = new Feeder(hub)) {
        for (; first.fits(message); before++) {
          first.send(message);
        }
      }
      assertThat(before).isPositive();
      try (Feeder second = new Feeder(hub)) {
        assertThat(second.credit).isLessThan(1 << 20);
        go.countDown();
        for (int i = 0; i < 30; i++) {
          second.send(message);
        }
        int all = before + 30;
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> handled.get() == all);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"vsock://2", "vsock://x:1", "unix://relative", "tcp://1.2.3.4:5", "unix:///"})
  void endpointThatCannotBeIsRefused(String endpoint) {
    refused(Map.of("endpoint", endpoint));
  }

  @Test
  void pinThatNobodyCanHoldIsRefused() {
    refused(Map.of("endpoint", "unix:///x", "ca.sha256", "0".repeat(64)));
    refused(Map.of("endpoint", "unix:///x", "credential", "two words"));
  }

  private void refused(Map<String, String> settings) {
    assertThatThrownBy(() -> new VsockTransportProvider().open(settings::get, this))
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo("bad-setting"));
  }

  private Transport open(FakeHub hub) {
    return new VsockTransportProvider()
        .open(Map.of(TransportProvider.ENDPOINT, "unix://" + hub.path)::get, this);
  }

  private static FrameWriter welcome(SocketChannel end, int window) throws IOException {
    FrameWriter out = new FrameWriter(end, ByteBuffer.allocate(Buffers.SIZE));
    out.greet();
    out.begin(Wire.WELCOME, 4).put4(window).end();
    out.flush();
    return out;
  }

  /** A hub's side of one connection, which sends as much as it is allowed to. */
  private static final class Feeder implements AutoCloseable {
    private final SocketChannel end;
    private final FrameWriter out;
    private final FrameReader in;
    private final int subscription;
    private long credit;

    Feeder(FakeHub hub) throws IOException {
      end = hub.server.accept();
      out = welcome(end, Wire.MAX_MESSAGE);
      in = new FrameReader(end, ByteBuffer.allocate(Buffers.SIZE), Wire.Side.DOOR);
      in.greeting();
      credit = in.next().body().getInt() & 0xffff_ffffL;
      in.as(Wire.Side.HUB);
      subscription = await(Wire.SUBSCRIBE).getInt();
    }

    private static int size(Message message) {
      return 2 + 4 + Messages.size(message);
    }

    boolean fits(Message message) {
      return size(message) <= credit;
    }

    void send(Message message) throws IOException {
      while (!fits(message)) {
        credit += await(Wire.CREDIT).getInt() & 0xffff_ffffL;
      }
      credit -= size(message);
      out.begin(Wire.MESSAGE, size(message)).put2(1).put4(subscription);
      Messages.put(message, out);
      out.end();
      out.flush();
    }

    private ByteBuffer await(int kind) throws IOException {
      while (true) {
        FrameReader.Frame frame = in.next();
        if (frame.kind() == Wire.PING) {
          out.empty(Wire.PONG);
          out.flush();
        }
        if (frame.kind() == Wire.CREDIT && kind != Wire.CREDIT) {
          credit += frame.body().getInt() & 0xffff_ffffL;
        }
        if (frame.kind() == kind) {
          return frame.body();
        }
      }
    }

    @Override
    public void close() throws IOException {
      end.close();
    }
  }

  /** Listens, and says what a test wants. */
  private static final class FakeHub implements AutoCloseable {
    final Path path;
    final ServerSocketChannel server;

    FakeHub() throws IOException {
      path = Files.createTempFile("fl-fake-", ".sock");
      Files.delete(path);
      server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(path));
    }

    @Override
    public void close() throws IOException {
      server.close();
      Files.delete(path);
    }
  }
}
