// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ExchangeTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Message UP = new Message("fl/c/up/hello", "hi".getBytes(UTF_8));
  private static final Message DOWN = new Message("fl/c/down/commands", "do".getBytes(UTF_8));

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  private final SimTransport.Hub hubOne = new SimTransport.Hub();
  private final SimTransport.Hub hubTwo = new SimTransport.Hub();
  private final SimTransport one = new SimTransport("one", hubOne);
  private final SimTransport two = new SimTransport("two", hubTwo);
  private final Runner runner = Runner.start("test-runner");
  private final AtomicLong now = new AtomicLong();
  private final List<String> arrived = new CopyOnWriteArrayList<>();
  private final List<Long> lines = new CopyOnWriteArrayList<>();
  private Exchange exchange = exchange(Ways.whereHeard(ExchangeTest::peer, now::get));

  private Exchange exchange(Ways ways) {
    return new Exchange(
        runner,
        SwitchboardListener.NONE,
        ways,
        (transport, line, message) -> {
          arrived.add(transport + " " + message.address());
          lines.add(line);
        });
  }

  private static String peer(String address) {
    return address.substring(0, address.indexOf('/', 3));
  }

  @AfterEach
  void close() {
    exchange.close();
    runner.close();
  }

  private void use(SimTransport... providers) {
    for (SimTransport provider : providers) {
      exchange.use(provider, name -> null, PATIENCE).toCompletableFuture().join();
      await().until(() -> exchange.connected(provider.name()));
    }
  }

  @Test
  void hearsOnAllAndSaysWhichOneItWas() {
    List<String> heard = new CopyOnWriteArrayList<>();
    Subscription before =
        exchange.listen("fl/*/up/**", (transport, message) -> heard.add(transport));
    use(one, two);
    hubOne.publish(UP);
    hubTwo.publish(UP);
    assertThat(heard).containsExactly("one", "two");
    assertThat(arrived).containsExactly("one fl/c/up/hello", "two fl/c/up/hello");
    before.close();
    hubTwo.publish(UP);
    assertThat(heard).hasSize(2);
    assertThat(exchange.transports()).containsExactly("one", "two");
  }

  @Test
  void answersWhereItHeardLastAndForAWhileWhereItHeardBefore() {
    exchange.subscribe("fl/*/up/**", message -> {});
    use(one, two);
    send(DOWN);
    assertThat(commands(hubOne)).as("nobody knows where it is").isEqualTo(1);
    assertThat(commands(hubTwo)).isEqualTo(1);
    hubOne.publish(UP);
    send(DOWN);
    assertThat(commands(hubOne)).isEqualTo(2);
    assertThat(commands(hubTwo)).isEqualTo(1);
    hubTwo.publish(UP);
    send(DOWN);
    assertThat(commands(hubOne)).as("it may just be moving").isEqualTo(3);
    assertThat(commands(hubTwo)).isEqualTo(2);
    now.addAndGet(Duration.ofSeconds(11).toNanos());
    send(DOWN);
    assertThat(commands(hubOne)).isEqualTo(3);
    assertThat(commands(hubTwo)).as("the last one counts for ever").isEqualTo(3);
  }

  @Test
  void whoIsReachedByNoneThatIsConnectedIsNotReached() {
    exchange.subscribe("fl/*/up/**", message -> {});
    use(one, two);
    hubTwo.publish(UP);
    two.opened.get(0).lose();
    await().until(() -> !exchange.connected("two"));
    assertThat(exchange.connected()).isTrue();
    assertThatThrownBy(() -> send(DOWN)).hasCauseInstanceOf(TransportException.class);
    two.opened.get(0).connect();
    await().until(() -> exchange.connected("two"));
    send(DOWN);
    assertThat(commands(hubTwo)).isEqualTo(1);
    assertThat(commands(hubOne)).isZero();
  }

  @Test
  void oneThatComesBackConcernsOnlyThoseWhoAreThere() {
    exchange.subscribe("fl/*/up/**", message -> {});
    use(one, two);
    hubOne.publish(UP);
    List<Predicate<String>> moves = new CopyOnWriteArrayList<>();
    exchange.onMoved(moves::add);
    two.opened.get(0).lose();
    await().until(() -> !exchange.connected("two"));
    two.opened.get(0).connect();
    String stranger = "fl/stranger/down/acks/logs";
    await().until(() -> moves.stream().anyMatch(move -> move.test(stranger)));
    assertThat(moves).noneMatch(move -> move.test("fl/c/down/acks/logs"));
    one.opened.get(0).lose();
    one.opened.get(0).connect();
    await().until(() -> moves.stream().anyMatch(move -> move.test("fl/c/down/acks/logs")));
  }

  @Test
  void oneGoesWhileTheOtherStays() {
    List<String> heard = new CopyOnWriteArrayList<>();
    exchange.listen("fl/*/up/**", (transport, message) -> heard.add(transport));
    use(one, two);
    exchange.drop("one");
    assertThat(one.opened.get(0).state()).isEqualTo(State.CLOSED);
    assertThat(exchange.transports()).containsExactly("two");
    hubOne.publish(UP);
    hubTwo.publish(UP);
    assertThat(heard).containsExactly("two");
    use(one);
    hubOne.publish(UP);
    assertThat(heard).containsExactly("two", "one");
    exchange.drop("never");
  }

  @Test
  void theSameNameAgainReplacesOnceItHasConnected() {
    use(one);
    SimTransport newer = new SimTransport("one", hubOne);
    newer.connects = false;
    var used = exchange.use(newer, name -> null, PATIENCE).toCompletableFuture();
    await().until(() -> !newer.opened.isEmpty());
    assertThat(one.opened.get(0).state()).isEqualTo(State.CONNECTED);
    newer.opened.get(0).connect();
    used.join();
    await().until(() -> one.opened.get(0).state() == State.CLOSED);
    assertThat(exchange.connected("one")).isTrue();
  }

  @Test
  void whatComesOverBothWhileOneTakesTheOthersPlaceIsToldApart() {
    exchange.subscribe("fl/*/up/**", message -> {});
    use(one);
    hubOne.publish(UP);
    hubOne.publish(UP);
    assertThat(lines).as("one line brings both").hasSize(2).containsOnly(lines.get(0));
    SimTransport newer = new SimTransport("one", hubOne);
    one.closesWhenTold = true;
    var reopened = exchange.reopen(one, newer, PATIENCE).toCompletableFuture();
    await().until(() -> newer.opened.size() == 1 && one.closing.getCount() == 0);
    lines.clear();
    hubOne.publish(UP);
    assertThat(lines).as("both hear it").hasSize(2).doesNotHaveDuplicates();
    one.mayClose.countDown();
    reopened.orTimeout(60, TimeUnit.SECONDS).join();
    lines.clear();
    hubOne.publish(UP);
    assertThat(lines).hasSize(1);
  }

  @Test
  void swapsAreCountedByTransportAndNotForgottenWithIt() {
    use(one, two);
    assertThat(exchange.swaps())
        .containsOnly(entry("one", new SwapCounts(0, 0)), entry("two", new SwapCounts(0, 0)));
    use(new SimTransport("one", hubOne));
    SimTransport bad = new SimTransport("one", hubOne);
    bad.refuses = true;
    assertThatThrownBy(() -> use(bad)).hasCauseInstanceOf(TransportException.class);
    assertThat(exchange.swaps()).containsEntry("one", new SwapCounts(1, 1));
    exchange.drop("one");
    use(one);
    use(new SimTransport("one", hubOne));
    assertThat(exchange.swaps()).containsEntry("one", new SwapCounts(2, 1));
  }

  @Test
  void whoDropsATransportWaitsForWhatItReplacedAsWell() {
    use(one);
    one.closesWhenTold = true;
    use(new SimTransport("one", hubOne));
    await().until(() -> one.closing.getCount() == 0);
    CompletableFuture<State> seen = new CompletableFuture<>();
    Thread dropping =
        new Thread(
            () -> {
              exchange.drop("one");
              seen.complete(one.opened.get(0).state());
            });
    dropping.start();
    await().until(() -> dropping.getState() == Thread.State.TIMED_WAITING);
    assertThat(seen).isNotDone();
    one.mayClose.countDown();
    assertThat(seen.orTimeout(60, TimeUnit.SECONDS).join()).isEqualTo(State.CLOSED);
  }

  @Test
  void inOrderSpeaksOnTheFirstAndOnAnotherWhileThatIsAway() {
    exchange.close();
    exchange = exchange(Ways.inOrder("two"));
    use(one, two);
    List<Predicate<String>> moves = new CopyOnWriteArrayList<>();
    exchange.onMoved(moves::add);
    send(UP);
    assertThat(hubTwo.seen).hasSize(1);
    two.opened.get(0).lose();
    await().until(() -> !moves.isEmpty());
    assertThat(moves.get(0).test(UP.address())).as("what was under way is said again").isTrue();
    send(UP);
    assertThat(hubOne.seen).hasSize(1);
    two.opened.get(0).connect();
    await().until(() -> exchange.connected("two"));
    send(UP);
    assertThat(hubTwo.seen).hasSize(2);
  }

  @Test
  void afterTheEndNothingGoes() {
    use(one);
    exchange.close();
    exchange.close();
    assertThat(one.opened.get(0).state()).isEqualTo(State.CLOSED);
    assertThatThrownBy(() -> send(UP)).hasCauseInstanceOf(TransportException.class);
    assertThatThrownBy(() -> exchange.subscribe("fl/**", message -> {}))
        .isInstanceOf(TransportException.class);
    assertThatThrownBy(() -> use(two)).hasCauseInstanceOf(TransportException.class);
  }

  private void send(Message message) {
    exchange.send(message).toCompletableFuture().join();
  }

  private static long commands(SimTransport.Hub hub) {
    return hub.seen.stream().filter(message -> message.address().contains("/down/")).count();
  }
}
