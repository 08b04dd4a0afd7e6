// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxBooks;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.StreamId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** An inbox over a store that has stored whatever it is given. */
final class Receiver implements AutoCloseable {

  private static final CompletionStage<Void> STORED = CompletableFuture.completedStage(null);

  private final Inbox inbox;

  Receiver(HandLink link, HandRunner runner) {
    inbox =
        new Inbox(
            link,
            runner,
            new Taker(),
            List.of(Sample.LOGS),
            stream -> Optional.of(Sample.ACKS),
            new Strict());
  }

  InboxBooks books() {
    return inbox.books();
  }

  @Override
  public void close() {
    inbox.close();
  }

  private static final class Taker implements BatchStore {

    @Override
    public CompletionStage<Void> append(Batch batch) {
      return STORED;
    }

    @Override
    public long storedUpTo(StreamId stream) {
      return 0;
    }
  }

  /** What is refused is not measured. */
  private static final class Strict implements InboxListener {

    @Override
    public void refused(String address, DeliveryException reason) {
      throw reason;
    }

    @Override
    public void gap(Batch gap) {
      throw new IllegalStateException("there is no gap");
    }

    @Override
    public void storeFailed(StreamId stream, Throwable reason) {
      throw new IllegalStateException("the store failed", reason);
    }
  }
}
