// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.legacy;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Link;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One VM whose agent is of 2024. What it sends to port {@value #UP} of its host is stored as lines
 * and events of its computation, and answered only then; its manifest goes to its own port {@value
 * #DOWN}, once.
 *
 * <p>At least once: such an agent's numbers begin anew with its process, so that what it repeats
 * cannot be told from what it says twice. Its lines bear the source {@value Saying#SOURCE}.
 *
 * <p>Two threads of each connection wait for the guest; all end with {@link #close}.
 */
public final class LegacyDoor implements AutoCloseable {

  /** The host's port that takes frames. */
  public static final int UP = 9997;

  /** The guest's port that takes its manifest. */
  public static final int DOWN = 9999;

  private static final System.Logger LOG = System.getLogger(LegacyDoor.class.getName());
  private static final int MOST_CONNECTIONS = 4;
  private static final int MOST_UNANSWERED = 256;
  private static final long CAPACITY = 4L << 20;
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final Duration HELLO_AGAIN = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Addresses own;
  private final Path socket;
  private final Path up;
  private final Link link;
  private final Outbox outbox;
  private final OutStream logs;
  private final OutStream events;
  private final InstantSource clock;
  private final String epoch = UUID.randomUUID().toString();
  private final ServerSocketChannel server;
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
  private final ScheduledThreadPoolExecutor manifests;
  private final Subscription manifestCame;
  private final Subscription connected;
  private final LongAdder taken = new LongAdder();
  private final LongAdder answered = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private volatile boolean configured;
  private volatile boolean closed;

  /**
   * What came of the frames so far.
   *
   * @param taken that were read and understood
   * @param answered that were stored, and answered
   * @param refused that were none: their connection was closed
   */
  public record Books(long taken, long answered, long refused) {

    /** Of both together. */
    public Books plus(Books more) {
      return new Books(taken + more.taken, answered + more.answered, refused + more.refused);
    }
  }

  /**
   * Opens one.
   *
   * @param own the computation's addresses
   * @param socket that stands for the VM
   * @param link by which the computation speaks and hears
   * @throws IOException when nobody can listen beside the socket
   */
  public LegacyDoor(Addresses own, Path socket, Link link, Runner runner, InstantSource clock)
      throws IOException {
    this.own = own;
    this.socket = socket;
    this.up = socket.resolveSibling(socket.getFileName() + "_" + UP);
    this.link = link;
    this.clock = clock;
    Files.deleteIfExists(up); // left by a manager that was killed
    this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(up));
    this.outbox = new Outbox(link, runner);
    this.logs = outbox.open(stream(Addresses.LOGS));
    this.events = outbox.open(stream(Addresses.EVENTS));
    this.manifests = new ScheduledThreadPoolExecutor(2, task -> thread("fl-legacy-down", task));
    manifests.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.manifestCame = link.subscribe(own.manifest(), this::manifest);
    this.connected = link.onConnected(this::hello);
    thread("fl-legacy-door", this::accept).start();
    // Its answer may be lost: whoever answers may start later, and so may what hears it here.
    var unused =
        manifests.scheduleWithFixedDelay(
            this::hello, 0, HELLO_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** What came of the frames so far. */
  public Books books() {
    return new Books(taken.sum(), answered.sum(), refused.sum());
  }

  private StreamConfig stream(String name) {
    return StreamConfig.of(own.stream(name), own.acks(name), epoch).withCapacity(CAPACITY);
  }

  private void accept() {
    while (!closed) {
      try {
        SocketChannel channel = server.accept();
        if (connections.size() >= MOST_CONNECTIONS) {
          close(channel);
          continue;
        }
        connections.add(channel);
        thread("fl-legacy-in", () -> serve(channel)).start();
      } catch (IOException e) {
        if (!closed) {
          LOG.log(WARNING, "No agent of before can connect at {0} any more: {1}", up, e);
        }
        return;
      }
    }
  }

  private void serve(SocketChannel channel) {
    BlockingQueue<Long> stored = new LinkedBlockingQueue<>();
    Semaphore unanswered = new Semaphore(MOST_UNANSWERED);
    Thread writer = thread("fl-legacy-out", () -> answer(channel, stored, unanswered));
    writer.start();
    try (InputStream in = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16)) {
      for (Frame frame = Frame.read(in); frame != null; frame = Frame.read(in)) {
        long id = frame.id();
        Saying said = Saying.parse(frame.payload(), own.party(), clock.instant());
        unanswered.acquire();
        OutStream stream = said.isEvent() ? events : logs;
        // Blocks where there is no room: the agent has to wait, and does.
        long number = stream.append(said.record());
        taken.increment();
        var unused =
            stream
                .reached(number, AckLevel.DELIVERED)
                .whenComplete(
                    (done, failure) -> {
                      if (failure == null) {
                        stored.add(id);
                      }
                    });
      }
    } catch (IOException | DeliveryException e) {
      if (!closed) {
        refused.increment();
        LOG.log(DEBUG, "A connection of {0} is closed: {1}", own.party(), e.getMessage());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      // What is stored by now is answered; the agent sends the rest again.
      close(channel);
      writer.interrupt();
    }
  }

  private void answer(SocketChannel channel, BlockingQueue<Long> stored, Semaphore unanswered) {
    try {
      while (true) {
        ByteBuffer bytes = ByteBuffer.wrap(Frame.acknowledgement(stored.take()));
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        answered.increment();
        unanswered.release();
      }
    } catch (IOException | InterruptedException e) {
      LOG.log(DEBUG, "No more is answered on this connection: {0}", e.toString());
    } finally {
      close(channel);
    }
  }

  /** Such an agent says none: its manifest is asked for in its name, until it has come. */
  private void hello() {
    if (closed || configured) {
      return;
    }
    Hello hello =
        new Hello(
            own.party(),
            epoch,
            clock.instant(),
            AgentState.RECEIVING_MANIFEST,
            Duration.ZERO,
            Saying.SOURCE,
            null,
            Saying.SOURCE);
    var unused = link.send(new Message(own.hello(), hello.toJson()));
  }

  private void manifest(Message message) {
    try {
      ManifestEnvelope envelope = ManifestEnvelope.parse(message.bytes());
      if (!configured && !closed && envelope.computation().equals(own.party())) {
        configured = true;
        manifests.execute(() -> configure(envelope.manifest()));
      }
    } catch (ProtocolException e) {
      LOG.log(WARNING, "The manifest of {0} is none: {1}", own.party(), e.getMessage());
    }
  }

  private void configure(byte[] manifest) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      var watchdog =
          manifests.schedule(() -> close(channel), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      channel.connect(UnixDomainSocketAddress.of(socket));
      write(channel, ("CONNECT " + DOWN + "\n").getBytes(US_ASCII));
      if (!firstLine(channel).startsWith("OK ")) {
        throw new IOException("the guest does not listen yet");
      }
      write(channel, manifest);
      watchdog.cancel(false);
    } catch (IOException e) {
      LOG.log(DEBUG, "The agent of {0} is not configured yet: {1}", own.party(), e.toString());
      if (!closed) {
        var unused =
            manifests.schedule(() -> configure(manifest), AGAIN.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
  }

  private static void write(SocketChannel channel, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static String firstLine(SocketChannel channel) throws IOException {
    byte[] line = new byte[64];
    ByteBuffer one = ByteBuffer.allocate(1);
    for (int length = 0; length < line.length; length++) {
      one.clear();
      if (channel.read(one) != 1 || one.get(0) == '\n') {
        return new String(Arrays.copyOf(line, length), US_ASCII);
      }
      line[length] = one.get(0);
    }
    return "";
  }

  private void close(@Nullable SocketChannel channel) {
    if (channel != null) {
      connections.remove(channel);
      try {
        channel.close();
      } catch (IOException e) {
        LOG.log(DEBUG, "A connection did not close well", e);
      }
    }
  }

  private static Thread thread(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Takes no more; what is not stored is not answered, and comes again elsewhere. Idempotent. */
  @Override
  public void close() {
    closed = true;
    manifestCame.close();
    connected.close();
    manifests.shutdownNow();
    try {
      server.close();
      Files.deleteIfExists(up);
    } catch (IOException e) {
      LOG.log(DEBUG, "A door for agents of before did not close well", e);
    }
    connections.forEach(this::close);
    outbox.close();
  }
}
