// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.manager.LegacyCounts;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.util.tracker.ServiceTracker;

/**
 * An agent of 2024 beside a manager's bundle that is configured to serve such: its frame goes by
 * its VM's socket, the hub and delivery into a store, and is answered then.
 */
@InFelix({
  "jackson-core",
  "transport-api",
  "transport-base",
  "transport-vsock",
  "lib-junixsocket",
  "protocol",
  "delivery",
  "http",
  "hypervisor-api",
  "manager"
})
class LegacyInFelixIT {

  private static final int PATIENCE_SECONDS = 60;

  /** Frame 2: agent_log { message "hi", computation_id "123", level "INFO", timestamp }. */
  private static final String FRAME =
      "020000001b0000000a190a0268691203313233" + "1a04494e464f2208" + "0880ddceb6061005";

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  @Test
  void frameIsAnsweredOnceItIsStoredAndCountedApart() throws Exception {
    Path folder = Files.createTempDirectory("fl-it-"); // a socket's path must be short
    configure("dev.fairlead.transport.vsock.access", Map.of("dir", folder.toString()));
    configure("dev.fairlead.manager.legacy", Map.of("fleet", "f"));
    CredentialIssuer issuer = service(CredentialIssuer.class, "(transport.name=vsock)");
    LegacyCounts counts = service(LegacyCounts.class, "(transport.name=legacy)");
    PeerAdmission legacy = service(PeerAdmission.class, "(transport.name=legacy)");
    Store store = new Store();
    Path door = folder.resolve("vm.sock_9997");
    try (Runner runner = Runner.start("it-legacy");
        Switchboard collector = collector(runner, issuer);
        Inbox inbox = inbox(runner, collector, store);
        PeerAdmission.Admission vm =
            legacy.admit("c", URI.create("unix://" + folder.resolve("vm.sock")))) {
      Objects.requireNonNull(vm);
      try (SocketChannel agent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        agent.connect(UnixDomainSocketAddress.of(door));
        agent.write(ByteBuffer.wrap(HexFormat.of().parseHex(FRAME)));
        assertEquals("02000000", HexFormat.of().formatHex(read(agent, 4)));
      }
      LogRecord line = LogRecord.parse(store.records.get(0).getBytes(UTF_8));
      assertEquals("hi", line.message());
      assertEquals("c", line.computationId());
      assertEquals("legacy", line.source());
      assertEquals(1, store.records.size());
      assertEquals(1, inbox.books().stored());
      assertEquals(1, counts.taken());
      assertEquals(1, counts.answered());
    }
    assertFalse(Files.exists(door), "the door closed with the admission");
    assertEquals(1, counts.answered(), "counted on after the VM has ended");
    configurations.getConfiguration("dev.fairlead.manager.legacy", "?").delete();
    configurations.getConfiguration("dev.fairlead.transport.vsock.access", "?").delete();
  }

  private static byte[] read(SocketChannel channel, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      assertTrue(channel.read(buffer) > 0, "the connection stands");
    }
    return buffer.array();
  }

  private Switchboard collector(Runner runner, CredentialIssuer issuer) throws Exception {
    Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
    Joining.join(
        board,
        service(TransportProvider.class, "(transport.name=vsock)"),
        issuer,
        Addresses.ofCollector("f"));
    return board;
  }

  private static Inbox inbox(Runner runner, Switchboard collector, BatchStore store) {
    return new Inbox(
        collector,
        runner,
        store,
        List.of("f/*/up/logs"),
        stream -> Optional.of("f/c/down/acks/logs"),
        InboxListener.NONE);
  }

  private void configure(String pid, Map<String, String> values) throws IOException {
    Dictionary<String, Object> properties = FrameworkUtil.asDictionary(values);
    configurations.getConfiguration(pid, "?").update(properties);
  }

  private <T> T service(Class<T> type, String filter) throws Exception {
    ServiceTracker<T, T> tracker =
        new ServiceTracker<>(
            context,
            context.createFilter(
                "(&(%s=%s)%s)".formatted(Constants.OBJECTCLASS, type.getName(), filter)),
            null);
    tracker.open();
    try {
      return Objects.requireNonNull(
          tracker.waitForService(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS)),
          () -> "There is no service " + type.getName() + " " + filter);
    } finally {
      tracker.close();
    }
  }

  /** Keeps what comes. */
  private static final class Store implements BatchStore {

    private final List<String> records = new CopyOnWriteArrayList<>();
    private final Map<StreamId, Long> upTo = new ConcurrentHashMap<>();

    @Override
    public CompletionStage<Void> append(Batch batch) {
      batch.records().forEach(record -> records.add(new String(record, UTF_8)));
      upTo.put(batch.stream(), batch.last());
      return CompletableFuture.completedStage(null);
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return upTo.getOrDefault(stream, 0L);
    }
  }
}
