// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Ways;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The service's own links, over real transports whose providers come and go. */
class OwnLinksTest {

  private final InstantSource clock = InstantSource.system();
  private final MemoryHub hub = MemoryHub.start("o" + UUID.randomUUID(), clock);
  private final MemoryIssuer issuer = new MemoryIssuer(hub, clock);
  private final Access access = new Access("f", "memory", Duration.ofHours(1));
  private final Refusals refusals = new Refusals(clock);
  private final Runner runner = Runner.start("test-own-links");
  private final List<String> lost = new CopyOnWriteArrayList<>();
  private final OwnLinks links =
      new OwnLinks(
          "memory",
          access,
          new Liveness(clock, System::nanoTime, change -> {}),
          refusals,
          lost::add,
          clock);
  private final Exchange exchange =
      new Exchange(runner, links, Ways.inOrder("memory"), Arrivals.NONE);

  @BeforeEach
  void open() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
    access.add(issuer);
    links.over(exchange);
  }

  @AfterEach
  void close() {
    exchange.close();
    runner.close();
    issuer.close();
    hub.close();
    Awaitility.reset();
  }

  @Test
  void aSpareOneTakesOverWhenTheProviderInUseGoes() {
    Provider one = new Provider();
    Provider spare = new Provider();
    links.add(one);
    links.add(spare);
    links.check();
    await().until(links::up);
    assertThat(spare.opened).as("it is not used while it is not needed").isEmpty();

    links.remove(one);

    assertThat(one.isClosed()).as("when this returns").isTrue();
    assertThat(spare.opened).hasSize(1);
    await().until(links::up);
    links.remove(spare);
    assertThat(spare.isClosed()).isTrue();
    assertThat(links.up()).isFalse();
    assertThat(exchange.transports()).isEmpty();
  }

  @Test
  void whereTheSpareOneDoesNotOpenItIsTriedAgainAndTheOldOneIsClosedAllTheSame() {
    Provider one = new Provider();
    Provider spare = new Provider();
    links.add(one);
    links.add(spare);
    links.check();
    await().until(links::up);
    spare.refuses = true;

    links.remove(one);

    assertThat(one.isClosed()).isTrue();
    assertThat(exchange.connected("memory")).isFalse();
    links.check();
    await().until(() -> spare.asked.size() >= 2);
    spare.refuses = false;
    await()
        .until(
            () -> {
              links.check();
              return links.up();
            });
    assertThat(spare.opened).hasSize(1);
    assertThat(one.opened).hasSize(1);
  }

  @Test
  void aSpareOneThatGoesIsNotMissed() {
    Provider one = new Provider();
    Provider spare = new Provider();
    links.add(one);
    links.add(spare);
    links.check();
    await().until(links::up);
    links.remove(spare);
    assertThat(links.up()).isTrue();
    assertThat(one.isClosed()).isFalse();
    links.remove(one);
    assertThat(exchange.transports()).isEmpty();
  }

  @Test
  void aLinkThatWasAwayAndIsOpenedAnewIsUp() {
    Provider one = new Provider();
    Provider spare = new Provider();
    links.add(one);
    links.add(spare);
    links.check();
    await().until(links::up);
    one.listeners.get(0).stateChanged(State.CONNECTING, "The test has cut it.");
    await().until(() -> !links.up());

    links.reopen(one, spare).toCompletableFuture().join();

    await().until(links::up);
  }

  @Test
  void eachLossIsToldThoughTheLinkIsBackWhenItIsHeardOf() {
    Provider one = new Provider();
    links.add(one);
    links.check();
    await().until(links::up);
    links.stateChanged("memory", State.CONNECTING, "The test has cut it, and it is back.");
    assertThat(lost).containsExactly("memory");
    assertThat(links.up()).isTrue();
    links.stateChanged("memory", State.CLOSED, "What it has replaced is closed.");
    links.stateChanged("memory", State.CONNECTED, "It is back.");
    assertThat(lost).hasSize(1);
  }

  /** The reference transport, noting what is opened. */
  private static final class Provider implements TransportProvider {

    private final TransportProvider real = new MemoryTransportProvider();
    final List<String> asked = new CopyOnWriteArrayList<>();
    final List<Transport> opened = new CopyOnWriteArrayList<>();
    final List<TransportListener> listeners = new CopyOnWriteArrayList<>();
    volatile boolean refuses;

    @Override
    public String name() {
      return real.name();
    }

    @Override
    public Set<Capability> capabilities() {
      return real.capabilities();
    }

    @Override
    public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
      asked.add("open");
      if (refuses) {
        throw new TransportException(
            TransportException.Category.REFUSED, "not-now", "The test refuses it.");
      }
      Transport transport = real.open(settings, listener);
      opened.add(transport);
      listeners.add(listener);
      return transport;
    }

    boolean isClosed() {
      return opened.get(0).state() == State.CLOSED;
    }
  }
}
