// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The plainest of stores over the real log: what it knows, it has read from what is synced. */
class LogStore implements BatchStore {

  private static final Duration INTERVAL = Duration.ofMillis(2);

  private final SegmentLog log;
  private final Map<StreamId, List<Batch>> batches = new HashMap<>();
  private final Map<StreamId, Long> appended = new HashMap<>();

  LogStore(Disk disk, Runner runner) {
    SegmentLog.Config config =
        new SegmentLog.Config(32 * 1024, INTERVAL, 64L << 20, 2 << 20, "store");
    log = SegmentLog.open(disk, config, runner, runner);
    try (SegmentLog.Reader reader = log.reader(0)) {
      for (var entry = reader.next(); entry != null; entry = reader.next()) {
        keep(decode(entry.payload()));
      }
      if (reader.damagedBytes() > 0) {
        throw new AssertionError("What was synced is damaged.");
      }
    }
  }

  private void keep(Batch batch) {
    long expected = storedUpTo(batch.stream()) + 1;
    if (batch.first() != expected && checks()) {
      throw new AssertionError(
          "Stored is %d, and %d follows".formatted(expected - 1, batch.first()));
    }
    batches.computeIfAbsent(batch.stream(), any -> new ArrayList<>()).add(batch);
    appended.put(batch.stream(), batch.last());
  }

  /** Whether it looks at the order in which batches come. */
  boolean checks() {
    return true;
  }

  @Override
  public CompletionStage<Void> append(Batch batch) {
    if (batch.first() != appended.getOrDefault(batch.stream(), 0L) + 1 && checks()) {
      return CompletableFuture.failedStage(
          new DeliveryException(RETRY, "out-of-order", "It failed before."));
    }
    appended.put(batch.stream(), batch.last());
    return log.append(encode(batch))
        .thenAccept(position -> keep(batch))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                appended.put(batch.stream(), storedUpTo(batch.stream()));
              }
            });
  }

  @Override
  public long storedUpTo(StreamId stream) {
    List<Batch> all = batches(stream);
    return all.isEmpty() ? 0 : all.get(all.size() - 1).last();
  }

  List<Batch> batches(StreamId stream) {
    return batches.getOrDefault(stream, List.of());
  }

  Set<StreamId> streams() {
    return batches.keySet();
  }

  static ByteBuffer encode(Batch batch) {
    String gap = batch.gap() == null ? "" : batch.gap();
    byte[] head =
        (batch.stream().address() + " " + batch.stream().epoch() + " " + gap).getBytes(US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(2 + head.length + 16 + batch.payload().remaining());
    out.putShort((short) head.length).put(head).putLong(batch.first()).putLong(batch.count());
    return out.put(batch.payload().duplicate()).flip();
  }

  private static Batch decode(ByteBuffer in) {
    byte[] head = new byte[in.getShort()];
    in.get(head);
    String[] words = new String(head, US_ASCII).split(" ", -1);
    StreamId id = new StreamId(words[0], words[1]);
    long first = in.getLong();
    long count = in.getLong();
    return new Batch(id, first, count, in.slice(), words[2].isEmpty() ? null : words[2]);
  }
}
