// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.delivery.Link;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class LaneTest {

  private final SlowLink link = new SlowLink();
  private final Lane lane = new Lane(link);

  @Test
  void aLoudOneNeitherGrowsNorDelaysAQuietOne() {
    for (int i = 0; i < 100_000; i++) {
      lane.offer("loud", message("loud", 1000));
    }
    lane.offer("quiet", message("quiet", 10));
    // What is under way is bounded, and what waits of one party too.
    assertThat(link.bytes()).isLessThanOrEqualTo(Lane.MOST_UNDER_WAY + 2000);
    long most = (Lane.MOST_UNDER_WAY + Lane.MOST_OF_ONE) / 1512 + 2;
    assertThat(lane.books().pending()).isLessThanOrEqualTo(most);
    assertThat(lane.books().dropped()).isGreaterThan(100_000 - most);
    int before = link.sent.size();
    link.confirmOne();
    link.confirmOne();
    link.confirmOne();
    assertThat(link.sent.subList(before, link.sent.size()))
        .as("the quiet one's turn comes after one of the loud one's at most")
        .anyMatch(message -> message.address().contains("quiet"));
    link.confirmAll();
    balanced();
    assertThat(lane.books().pending()).isZero();
  }

  @Test
  void theOrderOfEachPartyStays() {
    long seed = new Random().nextLong();
    System.out.println("LaneTest seed " + seed);
    Random random = new Random(seed);
    int[] next = new int[5];
    for (int i = 0; i < 20_000; i++) {
      int party = random.nextInt(5);
      lane.offer("p" + party, numbered("p" + party, next[party]++));
      if (random.nextInt(3) == 0) {
        link.confirmOne();
      }
    }
    link.confirmAll();
    int[] seen = new int[5];
    for (Message message : link.sent) {
      int party = message.address().charAt(3) - '0';
      assertThat(Integer.parseInt(message.headers().getOrDefault("n", "")))
          .isEqualTo(seen[party]++);
    }
    assertThat(seen).isEqualTo(next);
    assertThat(lane.books().handed()).isEqualTo(20_000);
    balanced();
  }

  @Test
  void whatTheLinkDoesNotTakeIsCountedAndForgotten() {
    link.refuses = true;
    for (int i = 0; i < 10_000; i++) {
      lane.offer("a", message("a", 1000));
    }
    assertThat(lane.books().failed()).isEqualTo(10_000);
    assertThat(lane.books().pending()).isZero();
    balanced();
    link.refuses = false;
    lane.offer("a", message("a", 1000));
    link.confirmAll();
    assertThat(lane.books().handed()).isEqualTo(1);
  }

  @Test
  void whatWaitsOfAPartyMayBeDropped() {
    for (int i = 0; i < 5000; i++) {
      lane.offer("a", message("a", 1000));
    }
    lane.offer("b", message("b", 1000));
    lane.forget("a");
    lane.forget("nobody");
    link.confirmAll();
    assertThat(lane.books().pending()).isZero();
    assertThat(link.sent.get(link.sent.size() - 1).address()).contains("/b/");
    balanced();
  }

  @Test
  void manyAtOnceStayWithinTheBoundOfAll() {
    for (int party = 0; party < 100; party++) {
      for (int i = 0; i < 20; i++) {
        lane.offer("p" + party, message("p" + party, 100_000));
      }
    }
    long bytes = lane.books().pending() * 100_512;
    assertThat(bytes).isLessThanOrEqualTo(Lane.MOST + Lane.MOST_UNDER_WAY + 200_000);
    balanced();
  }

  private void balanced() {
    Lane.Books books = lane.books();
    assertThat(books.taken())
        .isEqualTo(books.handed() + books.dropped() + books.failed() + books.pending());
  }

  private static Message message(String party, int size) {
    return new Message("f/" + party + "/up/logs", new byte[size]);
  }

  private static Message numbered(String party, int n) {
    return new Message(
        "f/" + party + "/up/logs", Map.of("n", String.valueOf(n)), ByteBuffer.allocate(10));
  }

  /** Confirms when it is told to. */
  private static final class SlowLink implements Link {

    private final List<Message> sent = new ArrayList<>();
    private final List<CompletableFuture<Void>> open = new ArrayList<>();
    private boolean refuses;

    long bytes() {
      return sent.stream().mapToLong(message -> message.payload().remaining() + 512).sum();
    }

    void confirmOne() {
      if (!open.isEmpty()) {
        open.remove(0).complete(null);
      }
    }

    void confirmAll() {
      while (!open.isEmpty()) {
        confirmOne();
      }
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      if (refuses) {
        return CompletableFuture.failedFuture(
            new TransportException(TransportException.Category.RETRY, "not-connected", "Later."));
      }
      sent.add(message);
      CompletableFuture<Void> future = new CompletableFuture<>();
      open.add(future);
      return future;
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      return () -> {};
    }

    @Override
    public boolean connected() {
      return true;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      return () -> {};
    }
  }
}
